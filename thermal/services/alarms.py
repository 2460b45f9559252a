"""Alarms: raised and returned by their rules, acknowledged by people."""

import datetime as dt
from collections.abc import Iterable

from django.db import transaction
from django.dispatch import Signal
from django.utils.translation import gettext as _

from accounts.models import User
from hosting.models import EquipmentModel
from kernel.errors import Refusal
from thermal import signals
from thermal.domain import alarms as domain
from thermal.domain.alarms import Event, State
from thermal.models import Alarm, AlarmRule, AlarmTransition
from thermal.queries import live, watching, watching_equipment
from thermal.queries.watching import Sight

# How long a device may be silent where its rule names no limit: "communication lost" of the starter catalogue.
SILENCE_S = 300.0
_OF_RULES = ("site", "measurement", "device", "delivery_point", "equipment__model")


class AlarmNeedsNoAcknowledgement(Refusal):
    """The alarm has been acknowledged, or is closed."""

    sentence = "This alarm has been acknowledged already."


@transaction.atomic
def evaluate(*, now: dt.datetime, devices: Iterable[int] | None = None) -> int:
    """The count of alarms that changed, after judging the rules that watch the devices (or all rules).

    Polling calls it after each batch with the devices that answered or failed; a sweep calls it for all, because
    silence and waiting times need a clock and not a value.
    """
    rules = watching.lock_rules(devices)
    known = AlarmRule.objects.select_related(*_OF_RULES).in_bulk(rules)
    alarms = {alarm.rule_id: alarm for alarm in Alarm.objects.filter(rule__in=rules).exclude(state=State.CLOSED)}
    changed, moved = 0, []
    seen = (
        *watching.sights(rules, now),
        *watching.balances(rules, now),
        *watching_equipment.sights(rules, now),
    )
    for sight in seen:
        rule = known[sight.rule_id]
        waits = (rule.condition_since, rule.clear_since)
        changed += _judge(rule, alarms.get(rule.pk), sight, now)
        if waits != (rule.condition_since, rule.clear_since):
            moved.append(rule)
    AlarmRule.objects.bulk_update(moved, ["condition_since", "clear_since"], batch_size=500)
    AlarmRule.objects.filter(pk__in=rules).update(evaluated_at=now)
    return changed


def _judge(rule: AlarmRule, alarm: Alarm | None, sight: Sight, now: dt.datetime) -> bool:
    """Whether the rule's alarm changed; the rule's waits are moved on."""
    value = _watched_value(rule, sight)
    if value is not None and sight.at is not None:
        held = domain.holds(rule.kind, value, _limit(rule), rule.deadband_value) if not sight.muted else False
        watch = domain.Watch(rule.condition_since, rule.clear_since).observed(held=held, at=sight.at)
        rule.condition_since, rule.clear_since = watch.condition_since, watch.clear_since
        event = watch.event(
            sight.at, on_delay=dt.timedelta(seconds=rule.on_delay_s), off_delay=dt.timedelta(seconds=rule.off_delay_s)
        )
        if event is Event.RAISE and (alarm is None or alarm.state == State.RETURNED):
            _raise(rule, alarm, value, sight.outage_id, now)
            return True
        if event is Event.RETURN and alarm is not None and alarm.state != State.RETURNED:
            _return(alarm, now)
            return True
    return _annunciate_after_outage(alarm, sight, now)


def _watched_value(rule: AlarmRule, sight: Sight) -> float | None:
    """The value, where a device that never answered has been silent for ever."""
    if rule.kind == AlarmRule.Kind.NO_DATA and sight.value is None:
        return float("inf")
    return sight.value


def _limit(rule: AlarmRule) -> float:
    return SILENCE_S if rule.limit_value is None else rule.limit_value


def _raise(rule: AlarmRule, alarm: Alarm | None, value: float, outage_id: int | None, now: dt.datetime) -> None:
    """Open an occurrence, or the open one again; during announced work it is written down and kept quiet."""
    before = alarm.state if alarm else ""
    quiet = outage_id is not None
    alarm = alarm or Alarm(rule=rule, site=rule.site, occurrence_count=0, raised_at=now)
    alarm.occurrence_count += 1
    alarm.priority = rule.priority
    alarm.raised_at, alarm.returned_at = now, None
    alarm.value = None if value == float("inf") else value
    alarm.limit_value, alarm.unit = _limit(rule), unit_of(rule)
    alarm.message = _message(rule)
    alarm.suppressed_by_id = outage_id
    alarm.state = State.ACKNOWLEDGED if quiet else State.UNACKNOWLEDGED
    alarm.acknowledged_at, alarm.acknowledged_by = None, None
    alarm.save()
    _record(alarm, before, now, note=_("Kept quiet by announced work.") if quiet else "")
    if not quiet:
        _announce(signals.alarm_raised, alarm)


def _return(alarm: Alarm, now: dt.datetime) -> None:
    before = alarm.state
    alarm.returned_at = now
    _move(alarm, Event.RETURN, now)
    alarm.save()
    _record(alarm, before, now)
    _announce(signals.alarm_returned, alarm)


def _annunciate_after_outage(alarm: Alarm | None, sight: Sight, now: dt.datetime) -> bool:
    """Whether an alarm that announced work kept quiet now calls, because the work is over and it still holds."""
    if alarm is None or alarm.suppressed_by_id is None or sight.outage_id is not None:
        return False
    before = alarm.state
    alarm.state, alarm.suppressed_by = State.UNACKNOWLEDGED, None
    alarm.save()
    _record(alarm, before, now, note=_("The announced work is over."))
    _announce(signals.alarm_raised, alarm)
    return True


@transaction.atomic
def acknowledge(*, alarm: Alarm, by: User, now: dt.datetime, note: str = "") -> Alarm:
    """The alarm, taken note of by a person."""
    alarm = Alarm.objects.select_for_update().get(pk=alarm.pk)
    before = alarm.state
    if domain.next_state(State(alarm.state), Event.ACKNOWLEDGE) is None:
        raise AlarmNeedsNoAcknowledgement
    alarm.acknowledged_at, alarm.acknowledged_by = now, by
    _move(alarm, Event.ACKNOWLEDGE, now)
    alarm.save()
    _record(alarm, before, now, by=by, note=note)
    return alarm


def _move(alarm: Alarm, event: Event, now: dt.datetime) -> None:
    state = domain.next_state(State(alarm.state), event)
    if state is not None:
        alarm.state = state
        alarm.closed_at = now if state is State.CLOSED else None


def _record(alarm: Alarm, before: str, now: dt.datetime, *, by: User | None = None, note: str = "") -> None:
    AlarmTransition.objects.create(alarm=alarm, at=now, from_state=before, to_state=alarm.state, by=by, note=note)


def _announce(signal: Signal, alarm: Alarm) -> None:
    """Tell the floors above, once it is certain; what fails there must not undo what was recorded here."""
    transaction.on_commit(lambda: signal.send(sender=Alarm, alarm=alarm), robust=True)


def unit_of(rule: AlarmRule) -> str:
    """The unit of the rule's limit and values."""
    if rule.kind == AlarmRule.Kind.NO_DATA:
        return "s"
    if rule.kind == AlarmRule.Kind.BALANCE:
        return "1"
    if rule.equipment is not None:
        return _unit_of_equipment(rule)
    return live.UNITS.get(rule.measurement.role, "") if rule.measurement else ""


def _unit_of_equipment(rule: AlarmRule) -> str:
    if rule.kind == AlarmRule.Kind.CARNOT or rule.equipment is None:
        return ""
    return "1" if rule.equipment.model.kind == EquipmentModel.Kind.HEAT_PUMP else "K"


def _message(rule: AlarmRule) -> str:
    """What happened, in plain words."""
    if rule.kind == AlarmRule.Kind.NO_DATA:
        return _("%(device)s does not answer.") % {"device": rule.device}
    if rule.kind == AlarmRule.Kind.BALANCE:
        return _("%(rule)s: the heat of %(site)s is not found where it went.") % {"rule": rule.name, "site": rule.site}
    if rule.kind == AlarmRule.Kind.CARNOT:
        return _("%(rule)s: the COP of %(equipment)s is above what physics allows; a meter or sensor is wrong.") % {
            "rule": rule.name,
            "equipment": rule.equipment,
        }
    if rule.kind == AlarmRule.Kind.DRIFT:
        return _("%(rule)s: %(equipment)s does worse than at its commissioning.") % {
            "rule": rule.name,
            "equipment": rule.equipment,
        }
    what = rule.measurement.get_role_display().split(",")[0] if rule.measurement else rule.name
    where = rule.delivery_point or rule.site
    if rule.kind == AlarmRule.Kind.HIGH:
        sentence = _("%(rule)s: %(what)s too high at %(where)s.")
    else:
        sentence = _("%(rule)s: %(what)s too low at %(where)s.")
    return sentence % {"rule": rule.name, "what": what, "where": where}
