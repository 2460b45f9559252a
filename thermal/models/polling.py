"""What polling came to, kept for each device and day."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts import scoping
from hosting.models import Device


class DeviceDay(models.Model):
    """How often one device was asked on one UTC day, and what it told.

    Every poll that was due ends in this row, also one that was not reached in time; what is left alone because its
    circuit is open was not due. It is written in the transaction that stores what the polls told, so that
    polls = answered + failed and values expected = told + missing, always.
    """

    pk = models.CompositePrimaryKey("device_id", "polled_on")
    device = models.ForeignKey(
        Device, verbose_name=_("device"), on_delete=models.CASCADE, related_name="days", db_index=False
    )
    polled_on = models.DateField(_("day (UTC)"))
    poll_count = models.PositiveIntegerField(_("polls"), default=0)
    answered_count = models.PositiveIntegerField(_("polls answered"), default=0)
    failed_count = models.PositiveIntegerField(_("polls failed"), default=0)
    unreached_count = models.PositiveIntegerField(
        _("not reached"), default=0, help_text=_("Failed polls in which the device was not even asked.")
    )
    late_count = models.PositiveIntegerField(
        _("late polls"), default=0, help_text=_("Begun more than five seconds after their time.")
    )
    expected_value_count = models.PositiveBigIntegerField(_("values expected"), default=0)
    told_value_count = models.PositiveBigIntegerField(_("values told"), default=0)
    missing_value_count = models.PositiveBigIntegerField(_("values missing"), default=0)
    frame_count = models.PositiveIntegerField(_("frames stored"), default=0)
    request_count = models.PositiveBigIntegerField(_("requests"), default=0)
    latency_sum_ms = models.PositiveBigIntegerField(
        _("sum of latencies"), default=0, help_text=_("Of the answered polls, in milliseconds.")
    )
    latency_max_ms = models.PositiveIntegerField(_("longest latency"), default=0, help_text=_("milliseconds"))

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "device__controller__site"}

    class Meta:
        ordering = ("device", "polled_on")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(poll_count=F("answered_count") + F("failed_count")), name="device_day_polls_balance"
            ),
            models.CheckConstraint(
                condition=Q(expected_value_count=F("told_value_count") + F("missing_value_count")),
                name="device_day_values_balance",
            ),
            models.CheckConstraint(
                condition=Q(unreached_count__lte=F("failed_count")), name="device_day_unreached_polls_failed"
            ),
            models.CheckConstraint(
                condition=Q(late_count__lte=F("poll_count")), name="device_day_late_polls_are_polls"
            ),
            models.CheckConstraint(
                condition=Q(frame_count=0) | Q(answered_count__gt=0), name="device_day_frames_come_of_answers"
            ),
            models.CheckConstraint(
                condition=Q(latency_max_ms__lte=F("latency_sum_ms")), name="device_day_latency_within_sum"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["polled_on"], name="device_day_on")]

    def __str__(self) -> str:
        return f"{self.device_id} {self.polled_on:%Y-%m-%d}"
