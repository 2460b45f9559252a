"""Looks at devices, and verdicts on them that nobody changes."""

import django.contrib.postgres.fields
import django.core.serializers.json
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FORBID = """
CREATE FUNCTION thermal_acceptance_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'A verdict on a device is final: look at the device again.'
        USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME;
END $$;
CREATE TRIGGER acceptance_is_final BEFORE UPDATE OR DELETE ON thermal_deviceacceptance
    FOR EACH ROW EXECUTE FUNCTION thermal_acceptance_is_final();
"""

ALLOW = """
DROP TRIGGER acceptance_is_final ON thermal_deviceacceptance;
DROP FUNCTION thermal_acceptance_is_final();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("hosting", "0004_controller_secrets"),
        ("thermal", "0007_ship_validation_rules"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DeviceAcceptance",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("host", models.CharField(blank=True, max_length=253, verbose_name="host")),
                ("port", models.PositiveIntegerField(null=True, verbose_name="port")),
                ("unit_address", models.CharField(blank=True, max_length=200, verbose_name="unit address")),
                (
                    "verdict",
                    models.CharField(
                        choices=[("accepted", "accepted"), ("rejected", "rejected")],
                        max_length=8,
                        verbose_name="verdict",
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="at")),
                ("told_at", models.DateTimeField(verbose_name="values of")),
                ("told", models.JSONField(verbose_name="told")),
                (
                    "typed",
                    models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder, verbose_name="typed"),
                ),
                (
                    "findings",
                    models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder, verbose_name="findings"),
                ),
                (
                    "finding_codes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), default=list, size=None
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=500, verbose_name="note")),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                (
                    "controller",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="hosting.controller",
                        verbose_name="controller",
                    ),
                ),
                (
                    "device",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="acceptances",
                        to="hosting.device",
                        verbose_name="device",
                    ),
                ),
                (
                    "meter",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="acceptances",
                        to="hosting.meter",
                        verbose_name="meter",
                    ),
                ),
                (
                    "placement",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="acceptances",
                        to="hosting.meterplacement",
                        verbose_name="placement",
                    ),
                ),
                (
                    "profile",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="hosting.deviceprofile",
                        verbose_name="profile",
                    ),
                ),
            ],
            options={
                "verbose_name": "acceptance",
                "verbose_name_plural": "acceptances",
                "ordering": ("-at", "-pk"),
                "permissions": [("accept_device", "Can accept or reject what a device tells")],
                "indexes": [
                    models.Index(fields=["device", "-at"], name="acceptance_device"),
                    models.Index(fields=["meter", "-at"], name="acceptance_meter"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("note", ""), _negated=True),
                            models.Q(("finding_codes", []), ("verdict", "accepted")),
                            _connector="OR",
                        ),
                        name="acceptance_explains_differences",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("at__gte", models.F("told_at"))), name="acceptance_after_the_look"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DeviceProbe",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("asked_at", models.DateTimeField(verbose_name="asked")),
                ("told_at", models.DateTimeField(null=True, verbose_name="answered")),
                ("wiring", models.JSONField(default=dict)),
                ("told", models.JSONField(default=list)),
                ("identification", models.CharField(blank=True, max_length=60, verbose_name="serial number told")),
                ("error", models.CharField(blank=True, max_length=300, verbose_name="error")),
                ("latency_ms", models.FloatField(null=True, verbose_name="answer time")),
                ("request_count", models.PositiveIntegerField(default=0)),
                (
                    "asked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="asked by",
                    ),
                ),
                (
                    "device",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="probes",
                        to="hosting.device",
                        verbose_name="device",
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="accounts.job"
                    ),
                ),
            ],
            options={
                "ordering": ("-asked_at",),
                "permissions": [("probe_device", "Can look at a device now")],
                "indexes": [models.Index(fields=["device", "-asked_at"], name="device_probe_latest")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("told_at__isnull", True), ("told_at__gte", models.F("asked_at")), _connector="OR"
                        ),
                        name="device_probe_told_after_asked",
                    )
                ],
            },
        ),
        migrations.RunSQL(FORBID, ALLOW),
    ]
