"""A profile as a YAML file: every mistake with its line, and what is written reads back the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosting.domain import profile_files
from hosting.domain.profile_files import Vocabulary
from hosting.domain.profiles import PointSpec, ProfileDraft

WORDS = Vocabulary(("modbus_tcp", "mbus_tcp"), ("heat_meter", "other"), ("power_kw", "energy_kwh", "state"))
SOUND = """\
key: sdm
name: SDM
device_kind: other
protocol: modbus_tcp
source: A list
options:
  max_count: 80
points:
- key: power
  name: Power
  quantity: power_kw
  unit: W
  address:
    table: input
    register: 52
    type: float32
- key: energy
  quantity: energy_kwh
  unit: kWh
  address: {register: 0x48, type: float32, scale: 0.1, missing: [65535, 0x8000]}
"""


def problems(text: str | bytes) -> list[str]:
    content = text if isinstance(text, bytes) else text.encode()
    return [str(problem) for problem in profile_files.read(content, WORDS).problems]


def test_a_sound_file_is_a_draft() -> None:
    draft = profile_files.read(SOUND.encode(), WORDS).draft
    assert draft is not None
    assert (draft.key, draft.name, draft.options, draft.source) == ("sdm", "SDM", {"max_count": 80}, "A list")
    assert [(point.slot, point.key, point.name) for point in draft.points] == [
        (0, "power", "Power"),
        (1, "energy", "energy"),
    ]
    assert draft.points[1].address == {"register": 72, "type": "float32", "scale": 0.1, "missing": [65535, "0x8000"]}


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("key: sdm\n", "", "line 1, key: key is not given."),
        ("key: sdm\n", "key: s d\n", "line 1, key: “s d” has more than letters, digits, - and _."),
        ("name: SDM\n", "name: 7\n", "line 2, name: name “7” is not a text; put it in quotes."),
        ("name: SDM\n", f"name: {'x' * 121}\n", "line 2, name: name is longer than 120 letters."),
        ("name: SDM\n", "name: SDM\nname: SDM\n", "line 3, name: “name” stands here for the second time."),
        ("device_kind: other", "device_kind: toaster", "line 3, device_kind: device_kind “toaster” is none of"),
        ("protocol: modbus_tcp", "protocol: morse", "line 4, protocol: protocol “morse” is none of"),
        ("source: A list", "sauce: A list", "line 5, sauce: “sauce” is not known; known are key, version,"),
        (
            "max_count: 80",
            "max_count: 800",
            "line 7, options.max_count: max_count “800” is not a number from 4 to 125.",
        ),
        ("max_count: 80", "max_cunt: 80", "line 7, options.max_cunt: “max_cunt” is not known;"),
        ("quantity: power_kw", "quantity: power", "line 11, points[0].quantity: quantity “power” is none of power_kw"),
        ("register: 52", "register: 70000", "line 15, points[0].address.register: register “70000” is not a number"),
        ("register: 52", "register: 0100", "line 15, points[0].address.register: “0100” is no plain number;"),
        ("register: 52", "register: 1:30", "line 15, points[0].address.register: “1:30” is no plain number;"),
        ("register: 52", "bit: 1", "line 13, points[0].address.register: register is not given."),
        ("type: float32\n-", "type: real\n-", "line 16, points[0].address.type: type “real” is none of int16,"),
        ("key: energy", "key: power", "line 17, points[1].key: key “power” is taken by another point."),
        ("- key: energy", "- slot: 0\n  key: energy", "line 17, points[1].slot: slot “0” is taken by another point."),
        (
            "- key: energy",
            "- slot: 400\n  key: energy",
            "line 17, points[1].slot: slot “400” is not a number from 0 to",
        ),
        (
            "missing: [65535, 0x8000]",
            "missing: [a]",
            "line 20, points[1].address.missing: missing “['a']” is neither a number",
        ),
        ("scale: 0.1", "scale: yes", "line 20, points[1].address.scale: scale “True” is not a number."),
        ("scale: 0.1", "scale: .inf", "line 20, points[1].address.scale: “.inf” is no plain number;"),
        ("scale: 0.1", "scale: !!float .", "line 20, points[1].address.scale: “.” is no plain number;"),
        ("unit: kWh", "unit: !!python/name:os.system x", "line 19, points[1].unit: the tag tag:yaml.org,2002:python"),
        ("source: A list", "source: &a A list\nverified_against: *a", "line 6, YAML: references (*) are not allowed"),
        ("source: A list", 'source: "\\0"', "line 5, source: the text has a character that no text has."),
        ("source: A list", 'source: "\\UFFFFFFFF"', "line 1, YAML: the file has a character that no text has."),
        ("source: A list", "source: \x07", "line 5, YAML: the file has a character that no text has."),
        ("source: A list", "source: [", "line 7, YAML: this is not YAML: "),
        ("source: A list", "\tsource: A list", "line 5, YAML: this is not YAML: found character"),
        ("options:\n  max_count: 80", "options: [max_count]", "line 6, options: options has names with values."),
        ("points:\n", "points: {}\npunkte:\n", "line 8, points: points is a list."),
    ],
)
def test_a_mistake_is_told_with_its_line_and_field(old: str, new: str, problem: str) -> None:
    assert SOUND.count(old) == 1
    found = problems(SOUND.replace(old, new))
    assert any(text.startswith(problem) for text in found), found


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "line 1, YAML: the file is empty."),
        (b"&empty", "line 1, YAML: a profile is a list of names with values"),
        (b"- a\n", "line 1, YAML: a profile is a list of names with values"),
        (b"key: \xff", "line 1, YAML: the file is not UTF-8."),
        (b"a: 1\n---\nb: 2\n", "line 2, YAML: this is not YAML: but found another document"),
        (b"a: " + b"[" * 100_000, "line 1, YAML: this is nested too deeply."),
        (b"x" * (256 * 1024 + 1), "line 1, YAML: the file is larger than 256 KB."),
    ],
)
def test_what_is_no_profile_at_all_is_refused(content: bytes, problem: str) -> None:
    assert problems(content)[0].startswith(problem)


def test_all_mistakes_are_told_at_once() -> None:
    assert len(problems(SOUND.replace("register: 52", "register: -1").replace("energy_kwh", "joy"))) == 2


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything(content: bytes) -> None:
    file = profile_files.read(content, WORDS)
    assert (file.draft is None) == bool(file.problems)


@given(st.text(alphabet="kyname:[]{}&*!<>|-\n 0123456789'\"%@`?,#\\x", max_size=200))
def test_no_text_raises_anything(text: str) -> None:
    assert profile_files.read(text.encode(), WORDS).problems


texts = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=16)
points = st.builds(
    lambda quantity, unit, name, scale, table: (quantity, unit, name, {"register": 1, "scale": scale, "table": table}),
    st.sampled_from(sorted(WORDS.quantities)),
    texts | st.just(""),
    texts,
    st.decimals("0.0001", 1000, places=4).map(str),
    st.sampled_from(["holding", "input"]),
)


@given(st.lists(points, min_size=1, max_size=4), texts, st.dictionaries(st.just("max_gap"), st.integers(0, 124)))
def test_what_is_written_reads_back_the_same(
    rows: list[tuple[str, str, str, dict[str, object]]], name: str, options: dict[str, int]
) -> None:
    specs = tuple(
        PointSpec(slot * 2, f"p{slot}", label, quantity, unit, address)
        for slot, (quantity, unit, label, address) in enumerate(rows)
    )
    draft = ProfileDraft("key", name, "modbus_tcp", specs, source=name, options=dict(options)).tidied()
    text = profile_files.write(draft, version=3)
    file = profile_files.read(text.encode(), WORDS)
    assert file.problems == ()
    assert file.draft is not None
    assert file.draft.tidied() == draft
