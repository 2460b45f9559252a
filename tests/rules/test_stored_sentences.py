"""Rules of the sentences that devices' readers write in English: whoever reads German finds them in German."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import translation

from accounts import refusals
from thermal.domain.readings import PointIsWrong

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("thermal/domain", "thermal/protocols", "thermal/services/polling")
# What an import says of its file is shown by the import, in the language of whoever starts it.
ELSEWHERE = {"BatchRefused", "PushedItem"}


def written(node: ast.expr) -> str | None:
    """The text as it reads with every fact being `fact`; None where it is none, or has one word."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value if " " in node.value else None
    if not isinstance(node, ast.JoinedStr):
        return None
    return "".join(str(one.value) if isinstance(one, ast.Constant) else "fact" for one in node.values)


def sentences() -> Iterator[str]:
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                yield from _of(node)


def _of(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") not in ELSEWHERE:
        for keyword in node.keywords:
            if keyword.arg in ("problem", "error") and (text := written(keyword.value)):
                yield text
    named = ast.unparse(node.targets[0]).rsplit(".", 1)[-1] if isinstance(node, ast.Assign) else ""
    if isinstance(node, ast.Assign) and named in ("problem", "error") and (text := written(node.value)):
        yield text


def test_whatever_a_reader_writes_is_found_again() -> None:
    known = set(sentences())
    assert len(known) > 50
    with translation.override("de"):
        assert [text for text in sorted(known) if refusals.in_words(text) == text] == []


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        (
            "Profile Kamstrup v3: Point supply-c: word_order “middle” is neither big nor little.",
            "Profil Kamstrup v3: Datenpunkt supply-c: word_order „middle“ ist weder big noch little.",
        ),
        ("The network fails: No route to host.", "Das Netz versagt: No route to host."),
        ("somebody typed this himself", "somebody typed this himself"),
        ("", ""),
    ],
)
def test_a_stored_sentence_is_read_in_german_and_stays_as_it_is_in_english(stored: str, shown: str) -> None:
    with translation.override("de"):
        assert refusals.in_words(stored) == shown
    assert refusals.in_words(stored) == stored


def test_what_a_refusal_quotes_is_translated_with_it() -> None:
    refusal = PointIsWrong(point="supply-c", problem="“70000” is not a register from 0 to 65535.")
    with translation.override("de"):
        assert refusals.words_of(refusal).endswith("„70000“ ist kein Register von 0 bis 65535.")
    assert refusals.words_of(refusal) == "Point supply-c: “70000” is not a register from 0 to 65535."
