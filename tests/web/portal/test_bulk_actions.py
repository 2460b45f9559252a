"""What is done to the rows that somebody chose in a list."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from hosting.models import Controller
from tests.clients import client_of
from tests.makers import accounts as people
from tests.makers import hosting, thermal
from thermal.models import Alarm

pytestmark = pytest.mark.django_db

ALARMS = "thermal:alarms_acknowledge"
PAUSE, RESUME = "hosting:controllers_pause", "hosting:controllers_resume"


def words(client: Client, url_name: str, rows: list[Any], **more: str) -> tuple[list[str], str]:
    """Return what was said after acting on the rows, and where it led."""
    response: Any = client.post(reverse(url_name), {"row": rows, **more}, follow=True)
    return [str(message) for message in response.context["messages"]], response.redirect_chain[-1][0]


def test_chosen_alarms_are_acknowledged_together_and_the_one_that_was_already_says_so() -> None:
    site = hosting.make_site()
    waiting = [thermal.make_alarm(thermal.make_rule(site)) for _number in range(2)]
    known = thermal.make_alarm(thermal.make_rule(site), state=Alarm.State.ACKNOWLEDGED)
    operator = people.operator()
    chosen = [alarm.pk for alarm in (*waiting, known)]
    said, _where = words(client_of(operator), ALARMS, chosen)
    assert said == ["2 alarms acknowledged.", f"{known}: This alarm has been acknowledged already."]
    for alarm in waiting:
        alarm.refresh_from_db()
        assert (alarm.state, alarm.acknowledged_by) == (Alarm.State.ACKNOWLEDGED, operator)
        assert alarm.transitions.get().by == operator


def test_the_boxes_stand_only_in_the_lists_of_those_who_may_act() -> None:
    site = hosting.make_site()
    thermal.make_alarm(thermal.make_rule(site))
    hosting.make_controller(site)
    cast = people.cast(granted=(site,), neighbors=())
    for name, user in (("thermal:alarm_list", cast.operator), ("hosting:controller_list", cast.engineer)):
        assert b'name="row"' in client_of(user).get(reverse(name)).content, name
        assert b'name="row"' not in client_of(cast.auditor).get(reverse(name)).content, name


def test_only_those_who_may_acknowledge_do_and_only_what_they_see() -> None:
    site, other = hosting.make_site(), hosting.make_site()
    alarm = thermal.make_alarm(thermal.make_rule(site))
    cast = people.cast(granted=(site,), neighbors=(other,))
    for user in (cast.offtaker, cast.neighbor, cast.auditor, cast.stranger):
        assert client_of(user).post(reverse(ALARMS), {"row": [alarm.pk]}).status_code == 403, user.email
    cast.neighbor.user_permissions.add(Permission.objects.get(codename="acknowledge_alarm"))
    assert words(client_of(cast.neighbor), ALARMS, [alarm.pk])[0] == ["No row was chosen, or the chosen ones are gone."]
    alarm.refresh_from_db()
    assert alarm.state == Alarm.State.UNACKNOWLEDGED


def test_it_goes_back_to_the_list_as_it_stood_and_never_to_another_host() -> None:
    alarm = thermal.make_alarm(thermal.make_rule(hosting.make_site()))
    client, listed = client_of(people.operator()), reverse("thermal:alarm_list")
    assert words(client, ALARMS, [alarm.pk], next=f"{listed}?priority=1")[1] == f"{listed}?priority=1"
    response = client.post(reverse(ALARMS), {"row": [alarm.pk], "next": "https://example.org/"})
    assert response["Location"] == listed


@pytest.mark.parametrize("rows", [[], ["x"], ["9" * 40], ["-1"]])
def test_rows_that_are_none_change_nothing(rows: list[str]) -> None:
    said, _where = words(client_of(people.operator()), ALARMS, rows)
    assert said == ["No row was chosen, or the chosen ones are gone."]


def test_controllers_are_paused_and_resumed_with_their_history() -> None:
    running, paused = hosting.make_controller(port=1502), hosting.make_controller(port=1503, enabled=False)
    client, both = client_of(people.engineer()), [running.pk, paused.pk]
    assert words(client, PAUSE, both)[0] == ["1 controller paused.", f"{paused}: It is paused already."]
    assert not Controller.objects.filter(enabled=True).exists()
    assert words(client, RESUME, both)[0] == ["2 controllers are polled again."]
    assert words(client, RESUME, [running.pk])[0] == [f"{running}: It is polled already."]
    labels = running.events.order_by("pgh_id").values_list("pgh_label", "enabled")  # type: ignore[attr-defined]
    assert list(labels) == [("created", True), ("changed", False), ("changed", True)]
