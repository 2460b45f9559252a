"""Facts of sites that no meter tells: entered, and their weather imported."""

import csv
import datetime as dt
import io
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from hosting.models import Site
from kernel.errors import Refusal
from thermal.models import SiteFact, WeatherDay

LONGEST_FILE_LINES = 400_000


class FactIsStated(Refusal):
    """Two entries would say something for the same days."""

    sentence = "“%(source)s” says something for some of these days already, from %(first)s on; end that entry first."


class WeatherFileUnreadable(Refusal):
    sentence = "Line %(line)s: %(problem)s"


class WeatherFileTooLong(Refusal):
    sentence = "The file has more than %(lines)s lines; split it."


@transaction.atomic
def record_fact(*, fact: SiteFact, site: Site, by: User | None, now: dt.datetime) -> SiteFact:
    """The fact, stored for the site; an open entry of the same kind that began earlier ends where this one begins."""
    del now  # the change history keeps when
    fact.site, fact.recorded_by = site, by
    rows: Any = SiteFact.objects.filter(site=site, kind=fact.kind, valid_until=None, valid_from__lt=fact.valid_from)
    for earlier in rows.select_for_update():
        earlier.valid_until = fact.valid_from
        earlier.save(update_fields=["valid_until"])
    others: Any = SiteFact.objects.filter(site=site, kind=fact.kind).exclude(valid_until__lte=fact.valid_from)
    if fact.valid_until is not None:
        others = others.filter(valid_from__lt=fact.valid_until)
    other = others.order_by("valid_from").first()
    if other is not None:
        raise FactIsStated(source=other.source, first=other.valid_from.isoformat())
    fact.save()
    return fact


@transaction.atomic
def import_weather(*, content: bytes, source: str, sites: dict[str, Site], by: User | None) -> int:
    """The count of days stored from a CSV file of site, day and mean_c or heating_kd; all of it or nothing.

    Days that are there already are replaced. A site that the person may not see is not known to the file.
    """
    del by  # the source says whose numbers they are
    rows = {(row.site_id, row.day_on): row for row in _rows(content, source, sites)}
    WeatherDay.objects.bulk_create(
        rows.values(),
        batch_size=5000,
        update_conflicts=True,
        unique_fields=["site_id", "day_on"],
        update_fields=["mean_c", "heating_kd", "source"],
    )
    return len(rows)


def _rows(content: bytes, source: str, sites: dict[str, Site]) -> list[WeatherDay]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise WeatherFileUnreadable(line=1, problem=_("the file is no UTF-8 text")) from None
    separator = ";" if ";" in text.partition("\n")[0] else ","
    reader = csv.DictReader(io.StringIO(text), delimiter=separator)
    names = set(reader.fieldnames or ())
    if not {"site", "day"} <= names or not names & {"mean_c", "heating_kd"}:
        raise WeatherFileUnreadable(line=1, problem=_("the columns site, day and mean_c or heating_kd are needed"))
    found = []
    for number, cells in enumerate(reader, start=2):
        if number > LONGEST_FILE_LINES:
            raise WeatherFileTooLong(lines=LONGEST_FILE_LINES)
        found.append(_row(number, cells, source, sites))
    return found


def _row(number: int, cells: dict[str, str | None], source: str, sites: dict[str, Site]) -> WeatherDay:
    code = (cells.get("site") or "").strip()
    if code not in sites:
        raise WeatherFileUnreadable(line=number, problem=_("there is no site “%(code)s”") % {"code": code})
    try:
        day = dt.date.fromisoformat((cells.get("day") or "").strip())
        mean_c, heating_kd = (_number(cells.get(name)) for name in ("mean_c", "heating_kd"))
    except ValueError:
        wanted = _("a day like 2026-01-31 and numbers like 3.5 are needed")
        raise WeatherFileUnreadable(line=number, problem=wanted) from None
    if mean_c is None and heating_kd is None:
        raise WeatherFileUnreadable(line=number, problem=_("neither mean_c nor heating_kd"))
    if (mean_c is not None and not -60 <= mean_c <= 60) or (heating_kd is not None and not 0 <= heating_kd <= 80):
        raise WeatherFileUnreadable(line=number, problem=_("no weather on earth"))
    return WeatherDay(site=sites[code], day_on=day, mean_c=mean_c, heating_kd=heating_kd, source=source)


def _number(text: str | None) -> float | None:
    cleaned = (text or "").strip().replace(",", ".")
    return float(cleaned) if cleaned else None
