"""Profiles as stored versions: what is used never changes, equal content is found again, nothing unreadable is kept."""

from dataclasses import replace
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from hosting.domain.profiles import Difference, PointSpec, ProfileDraft
from hosting.models import DeviceProfile
from hosting.queries import profiles as stored
from hosting.services import profile_files, profiles
from kernel.errors import Refusal
from tests.makers import accounts as people
from tests.makers import hosting as make
from thermal.domain.readings import PointIsWrong

pytestmark = pytest.mark.django_db

POWER = PointSpec(0, "power", "Power", "power_kw", "W", {"register": 52, "type": "float32"})
DRAFT = ProfileDraft("sdm", "SDM", "modbus_tcp", (POWER,), "electricity_meter", "a list", "nothing", {"max_count": 80})


def at(**address: Any) -> ProfileDraft:
    return replace(DRAFT, points=(replace(POWER, address=POWER.address | address),))


def test_the_same_content_again_is_the_version_that_exists() -> None:
    first = profiles.save_draft(draft=DRAFT, by=None)
    again = profiles.save_draft(draft=at(scale=None), by=None)
    assert (first.outcome, again.outcome, again.profile.pk) == ("created", "unchanged", first.profile.pk)
    assert stored.draft_of(first.profile) == DRAFT.tidied()


def test_other_content_is_the_next_version_and_old_content_is_found_again() -> None:
    first = profiles.save_draft(draft=DRAFT, by=None)
    second = profiles.save_draft(draft=at(register=54), by=None)
    assert (second.outcome, second.profile.version) == ("new version", 2)
    assert stored.changes_between(first.profile, second.profile) == [Difference("power", "register", 52, 54)]
    assert profiles.save_draft(draft=DRAFT, by=None).profile == first.profile


def test_a_version_that_was_once_in_use_stays_as_it_is() -> None:
    profile = profiles.save_draft(draft=DRAFT, by=None).profile
    engineer = people.engineer()
    profiles.change_profile(profile=profile, draft=at(register=54), by=engineer)
    device = make.make_device(profile=profile)
    for in_use in (True, False):
        with pytest.raises(profiles.ProfileInUse):
            profiles.change_profile(profile=profile, draft=DRAFT, by=engineer)
        if in_use:
            device.profile = make.make_profile()
            device.save()
    assert profile.points.get().address["register"] == 54


@pytest.mark.parametrize(
    ("draft", "refusal"),
    [
        (at(register=65535), PointIsWrong),
        (at(register=-1), profiles.PointRefused),
        (at(oid="1.3"), profiles.PointRefused),
        (replace(DRAFT, options={"max_count": 200}), profiles.OptionRefused),
        (replace(DRAFT, options={"colour": "red"}), profiles.OptionRefused),
        (replace(DRAFT, points=(replace(POWER, unit="°C"),)), PointIsWrong),
        (replace(DRAFT, points=(replace(POWER, quantity="joy"),)), PointIsWrong),
        (replace(DRAFT, points=(replace(POWER, name=""),)), profiles.PointRefused),
        (replace(DRAFT, device_kind="toaster"), profiles.ProfileRefused),
        (replace(DRAFT, points=(POWER, replace(POWER, slot=1))), profiles.SlotsRepeat),
    ],
)
def test_what_cannot_be_read_is_not_stored(draft: ProfileDraft, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        profiles.save_draft(draft=draft, by=None)
    assert not DeviceProfile.objects.exists()


def test_two_people_do_not_take_one_key_by_accident() -> None:
    engineer = people.engineer()
    profiles.create_draft(draft=DRAFT, by=engineer)
    with pytest.raises(profiles.KeyIsTaken):
        profiles.create_draft(draft=at(register=54), by=engineer)


def test_a_refusal_of_the_language_names_the_line_of_the_point() -> None:
    profile = profiles.save_draft(draft=DRAFT, by=None).profile
    text = stored.yaml_of(profile).replace("register: 52", "register: 65535")
    with pytest.raises(profile_files.ProfileFileRefused) as refused:
        profile_files.import_file(file_name="sdm.yaml", content=text.encode(), by=None)
    line = next(number for number, row in enumerate(text.splitlines(), 1) if "65535" in row)
    assert f"sdm.yaml, line {line - 5}, power: Point power:" in str(refused.value)


def test_commands_take_a_profile_out_and_bring_it_in_again(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    profiles.save_draft(draft=DRAFT, by=None)
    call_command("export_profile", "sdm")
    text = capsys.readouterr().out
    same, other, wrong = tmp_path / "same.yaml", tmp_path / "other.yaml", tmp_path / "wrong.yaml"
    same.write_text(text)
    other.write_text(text.replace("52", "54"))
    wrong.write_text(text.replace("register", "regis"))
    call_command("import_profiles", same, other)
    told = capsys.readouterr().out
    assert "same.yaml: sdm v1, unchanged" in told
    assert "other.yaml: sdm v2, new version" in told
    with pytest.raises(SystemExit):
        call_command("import_profiles", wrong, tmp_path / "absent.yaml")
    told = capsys.readouterr().err
    assert "wrong.yaml, line" in told
    assert "absent.yaml: No such file" in told
    call_command("export_profile", "sdm", "--profile-version", "1")
    assert capsys.readouterr().out == text
    with pytest.raises(CommandError):
        call_command("export_profile", "nothing")


def test_the_library_is_loaded_once(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("load_library", "eastron-sdm630", "gwf-mtkcoder-mbus")
    assert capsys.readouterr().out.splitlines() == ["eastron-sdm630 v1, created", "gwf-mtkcoder-mbus v1, created"]
    call_command("load_library", "eastron-sdm630")
    assert capsys.readouterr().out.splitlines() == ["eastron-sdm630 v1, unchanged"]
    with pytest.raises(CommandError, match="no “sdm630”"):
        call_command("load_library", "sdm630")
