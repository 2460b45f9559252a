"""How a refusal reaches the person: one place for pages, one for the API."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language, gettext
from rest_framework import status
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from kernel.errors import Refusal


def words_of(refusal: Refusal) -> str:
    """What was refused, in the language of the reader; the kernel's sentences are translated here."""
    if not refusal.given and refusal.sentence:
        # A refusal may quote another one, or a domain's words for what is wrong.
        facts = {name: in_words(fact) if isinstance(fact, str) else fact for name, fact in refusal.facts.items()}
        return gettext(refusal.sentence) % facts
    return refusal.detail


PLACEHOLDER: Final = re.compile(r"%\((\w+)\)s")
# A sentence with fewer letters of its own fits nearly everything.
FEWEST_LETTERS: Final = 8
_known: list[str] = []


def know(sentences: Iterable[str]) -> None:
    """Remember sentences that the floors without a translation machine write, with `%(name)s` where facts stand."""
    _known.extend(sentences)


def in_words(text: str) -> str:
    """A sentence that was written in English, also one that was stored, in the language of the reader.

    Devices are read by code that knows no translation machine, and what it could not read is stored with the device.
    The sentence is found again by its form, its facts are taken from it, and sentences among them are translated too.
    What is not found is shown as it stands.
    """
    if " " not in text or (get_language() or "en").startswith("en"):
        return text
    for pattern, sentence in _forms(len(_known), len(_refusals())):
        if match := pattern.fullmatch(text):
            return gettext(sentence) % {name: in_words(fact) for name, fact in match.groupdict().items()}
    return text


@lru_cache(maxsize=1)
def _forms(_known_count: int, _class_count: int) -> list[tuple[re.Pattern[str], str]]:
    """How each known sentence looks with its facts in it, the longest first; counted, so that later ones are known."""
    sentences = {*_known, *(refusal.sentence for refusal in _refusals())}
    clear = [one for one in sentences if len(PLACEHOLDER.sub("", one)) >= FEWEST_LETTERS and "%" not in _bare(one)]
    return [(_form(one), one) for one in sorted(clear, key=lambda one: (-len(_bare(one)), one))]


def _bare(sentence: str) -> str:
    return PLACEHOLDER.sub("", sentence).replace("%%", "")


def _form(sentence: str) -> re.Pattern[str]:
    parts = PLACEHOLDER.split(sentence)
    seen: set[str] = set()
    form = ""
    for index, part in enumerate(parts):
        if index % 2 == 0:
            form += re.escape(part.replace("%%", "%"))
        else:
            form += f"(?P={part})" if part in seen else f"(?P<{part}>.+?)"
            seen.add(part)
    return re.compile(form, re.DOTALL)


def _refusals(kind: type[Refusal] = Refusal) -> list[type[Refusal]]:
    """Every class of refusals that says something of its own."""
    found = [kind] if kind.__dict__.get("sentence") else []
    return found + [one for child in kind.__subclasses__() for one in _refusals(child)]


def page(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """The page that says what was refused."""
    context = {"title": gettext("This cannot be done"), "words": words_of(refusal), "code": refusal.code}
    return render(request, "accounts/refused.html", context, status=status.HTTP_409_CONFLICT)


def api_exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """The API's answer to an error: 409 with `code` and `detail` for a refusal, else what the framework says."""
    if isinstance(error, Refusal):
        set_rollback()
        return Response({"code": error.code, "detail": words_of(error)}, status=status.HTTP_409_CONFLICT)
    return exception_handler(error, context)
