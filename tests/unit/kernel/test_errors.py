from kernel.errors import Refusal


class MonthStillOpen(Refusal):
    sentence = "%(month)s is not over yet."


class Renamed(Refusal):
    code = "meter_fault"


class StillRenamed(Renamed):
    pass


def test_code_is_the_name_of_the_class_in_snake_case() -> None:
    assert MonthStillOpen.code == "month_still_open"
    assert Renamed.code == "meter_fault"
    assert StillRenamed.code == "still_renamed"


def test_detail_is_the_sentence_with_its_facts() -> None:
    refusal = MonthStillOpen(month="October 2026")
    assert refusal.detail == str(refusal) == "October 2026 is not over yet."
    assert refusal.facts == {"month": "October 2026"}


def test_given_detail_comes_before_the_sentence() -> None:
    assert str(MonthStillOpen("Not yet.")) == "Not yet."


def test_refusal_without_words_still_says_something() -> None:
    assert str(StillRenamed()) == "still renamed"
