"""Rules of the translations: whoever reads German reads nothing but German."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
from django.utils.translation.template import templatize

from portal.embedded import translations
from portal.management.commands.makemessages import sentences_of

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "compliance", "contracts", "demo", "hosting", "kernel", "portal", "thermal")
PLACEHOLDER = re.compile(r"%\(\w+\)[-+#0]*[\d.]*[a-zA-Z]|%%")
# What marks a text, and where among the arguments its context and the text itself stand.
MARKS = {
    "_": (None, 0),
    "gettext": (None, 0),
    "gettext_lazy": (None, 0),
    "gettext_noop": (None, 0),
    "ngettext": (None, 0),
    "ngettext_lazy": (None, 0),
    "pgettext": (0, 1),
    "pgettext_lazy": (0, 1),
    "npgettext": (0, 1),
}
TEXT = r"""u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
MARKED = re.compile(rf"(?<!\w)({'|'.join(MARKS)})\(\s*({TEXT}(?:\s*,\s*{TEXT})*)")

Text = tuple[str | None, str]


def german() -> polib.POFile:
    return polib.pofile(str(translations.LOCALE / "de" / "LC_MESSAGES" / "django.po"))


def forms(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def marked(mark: str, arguments: list[str]) -> Text:
    context, text = MARKS[mark]
    return None if context is None else arguments[context], arguments[text]


def texts_of_module(source: str) -> Iterator[Text]:
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
        arguments = [each.value for each in call.args if isinstance(each, ast.Constant)]
        if name in MARKS and arguments and all(isinstance(each, str) for each in arguments):
            yield marked(name, [str(each) for each in arguments])
    for sentence in sentences_of(source):
        yield None, sentence


def texts_of_template(source: str) -> Iterator[Text]:
    for mark, arguments in MARKED.findall(templatize(source)):
        yield marked(mark, list(ast.literal_eval(f"({arguments},)")))


def texts() -> Iterator[Text]:
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            yield from texts_of_module(path.read_text())
    for path in (ROOT / "templates").rglob("*.*"):
        yield from texts_of_template(path.read_text())


def test_every_text_of_the_portal_is_in_the_catalog() -> None:
    known = {(entry.msgctxt, entry.msgid) for entry in german()}
    missing = {text for text in texts() if text not in known and text[1]}
    assert not missing, "run `make messages` (or add them by hand to django.po), then translate"


def test_every_text_has_its_german() -> None:
    assert [entry.msgid for entry in german() if not all(forms(entry))] == []


def test_no_translation_is_a_guess() -> None:
    assert [entry.msgid for entry in german() if entry.fuzzy or entry.obsolete] == []


def test_placeholders_survive_translation() -> None:
    wrong = [
        entry.msgid
        for entry in german()
        for form in forms(entry)
        if sorted(PLACEHOLDER.findall(form)) != sorted(PLACEHOLDER.findall(entry.msgid_plural or entry.msgid))
    ]
    assert wrong == []


def test_the_reader_is_addressed_with_sie() -> None:
    informal = re.compile(r"\b(du|dich|dir|dein\w*)\b", re.IGNORECASE)
    assert [form for entry in german() for form in forms(entry) if informal.search(form)] == []


def test_line_ends_and_edges_survive_translation() -> None:
    """A text often continues another one: the space and the line break at its edge belong to it."""

    def edges(text: str) -> tuple[str, str, int]:
        return text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :], text.count("\n")

    assert [e.msgid for e in german() for form in forms(e) if edges(form) != edges(e.msgid)] == []


def test_the_compiled_catalog_is_made_only_where_it_is_older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "de" / "LC_MESSAGES" / "django.po"
    source.parent.mkdir(parents=True)
    source.write_text('msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\nmsgid "Heat"\nmsgstr "Wärme"\n')
    monkeypatch.setattr(translations, "LOCALE", tmp_path)
    translations.compile_changed()
    compiled = source.with_suffix(".mo")
    assert [(e.msgid, e.msgstr) for e in polib.mofile(str(compiled))] == [("Heat", "Wärme")]
    compiled.write_bytes(b"as it was")
    translations.compile_changed()
    assert compiled.read_bytes() == b"as it was"


def test_the_sentence_of_a_refusal_is_found() -> None:
    source = 'class MonthStillOpen(Refusal):\n    sentence = (\n        "%(month)s is "\n        "not over."\n    )\n'
    assert sentences_of(source) == ["%(month)s is not over."]
