"""What stands on paper can be read, searched and copied, in the letters of every European alphabet."""

import datetime as dt
from zoneinfo import ZoneInfo

from compliance.documents import Cover, render_cover
from contracts.documents import paper
from tests.papers import fonts_of, words_of

NAMES = "Łódź Żółć Čeština ő ğ ș Ελλάδα Київ 12,50 €"


def letter(text: str) -> bytes:
    sheet = paper.Paper(title=text, author=text, language="pl")
    sheet.paragraph(text)
    sheet.paragraph(text, font=paper.BOLD)
    return sheet.finish(lambda _canvas, _number, _count: None)


def test_a_letter_keeps_the_accents_of_polish_czech_and_hungarian_names() -> None:
    assert words_of(letter(NAMES)) == f"{NAMES} {NAMES}"


def test_the_fonts_of_a_letter_are_in_it_as_far_as_it_uses_them() -> None:
    pdf = letter(NAMES)
    assert [name.partition("+")[2] for name in fonts_of(pdf)] == [paper.BOLD, paper.BODY]
    assert len(pdf) < 60_000


def test_the_same_words_give_the_same_letter() -> None:
    assert letter(NAMES) == letter(NAMES)


def test_the_cover_of_a_pack_keeps_the_accents_of_its_sites() -> None:
    at = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
    cover = Cover(
        title=NAMES, sites=[("LDZ", "Łódź Żabieniec")], starts_at=at, ends_at=at, as_of=at,
        zone=ZoneInfo("Europe/Warsaw"), whole=True, counts=[("odczyty", "odczyty.csv", 3)], file_count=3,
        generator="Jiří Dvořák",
    )  # fmt: skip
    words = words_of(render_cover(cover))
    assert all(name in words for name in (NAMES, "Łódź Żabieniec", "Jiří Dvořák"))


def test_a_letter_that_the_font_lacks_is_no_box() -> None:
    assert paper.printable("熱 kWh") == "? kWh"
