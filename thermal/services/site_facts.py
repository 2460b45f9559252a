"""Facts of sites that no meter tells: entered, and their weather imported."""

import csv
import datetime as dt
import io
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from hosting.models import DeliveryPoint, Site
from kernel.errors import Refusal
from thermal.models import SiteFact, WeatherDay, WeatherDependence

LONGEST_FILE_LINES = 400_000


class FactIsStated(Refusal):
    """Two entries would say something for the same days."""

    sentence = "“%(source)s” says something for some of these days already, from %(first)s on; end that entry first."


class WeatherFileUnreadable(Refusal):
    """A file of which nothing was stored, because of one of its cells."""

    sentence = "Nothing was stored. Line %(line)s, column %(column)s: %(problem)s"


class EndsBeforeStart(Refusal):
    sentence = "It holds from %(first)s on: choose a later day."


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
def record_dependence(
    *, dependence: WeatherDependence, delivery_point: DeliveryPoint, by: User | None, now: dt.datetime
) -> WeatherDependence:
    """What is said of a delivery point's demand and the weather, stored; an earlier open entry ends where it begins."""
    del now  # the change history keeps when
    dependence.delivery_point, dependence.recorded_by = delivery_point, by
    rows: Any = WeatherDependence.objects.filter(delivery_point=delivery_point)
    for earlier in rows.filter(valid_until=None, valid_from__lt=dependence.valid_from).select_for_update():
        earlier.valid_until = dependence.valid_from
        earlier.save(update_fields=["valid_until"])
    others = rows.exclude(valid_until__lte=dependence.valid_from)
    if dependence.valid_until is not None:
        others = others.filter(valid_from__lt=dependence.valid_until)
    other = others.order_by("valid_from").first()
    if other is not None:
        raise FactIsStated(source=other.source, first=other.valid_from.isoformat())
    dependence.save()
    return dependence


@transaction.atomic
def end_dependence(
    *, dependence: WeatherDependence, on: dt.date, by: User | None, now: dt.datetime
) -> WeatherDependence:
    """The entry, ended: from the day on the demand no longer follows the weather."""
    del by, now  # the change history keeps who and when
    if on <= dependence.valid_from:
        raise EndsBeforeStart(first=dependence.valid_from.isoformat())
    dependence.valid_until = on
    dependence.save(update_fields=["valid_until"])
    return dependence


@transaction.atomic
def import_weather(
    *, content: bytes, source: str, sites: dict[str, Site], by: User | None, only: Site | None = None
) -> int:
    """The count of days stored from a CSV file of site, day and mean_c or heating_kd; all of it or nothing.

    Days that are there already are replaced. A site that the person may not see is not known to the file; given the
    only site that it is about, it needs no column for it.
    """
    del by  # the source says whose numbers they are
    rows = {(row.site_id, row.day_on): row for row in _rows(content, source, sites, only)}
    WeatherDay.objects.bulk_create(
        rows.values(),
        batch_size=5000,
        update_conflicts=True,
        unique_fields=["site_id", "day_on"],
        update_fields=["mean_c", "heating_kd", "source"],
    )
    return len(rows)


def _rows(content: bytes, source: str, sites: dict[str, Site], only: Site | None) -> list[WeatherDay]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise WeatherFileUnreadable(line=1, column="–", problem=_("the file is no UTF-8 text")) from None
    separator = ";" if ";" in text.partition("\n")[0] else ","
    reader = csv.DictReader(io.StringIO(text), delimiter=separator)
    names = set(reader.fieldnames or ())
    needed = {"day"} if only else {"site", "day"}
    if not needed <= names or not names & {"mean_c", "heating_kd"}:
        columns = _("the columns %(columns)s and mean_c or heating_kd are needed")
        wanted = ", ".join(sorted(needed, reverse=True))
        raise WeatherFileUnreadable(line=1, column="–", problem=columns % {"columns": wanted})
    found = []
    for number, cells in enumerate(reader, start=2):
        if number > LONGEST_FILE_LINES:
            raise WeatherFileTooLong(lines=LONGEST_FILE_LINES)
        found.append(_row(number, cells, source, sites, only))
    return found


def _row(line: int, cells: dict[str, str | None], source: str, sites: dict[str, Site], only: Site | None) -> WeatherDay:
    site = _site(line, (cells.get("site") or "").strip(), sites, only)
    try:
        day = dt.date.fromisoformat((cells.get("day") or "").strip())
    except ValueError:
        raise WeatherFileUnreadable(line=line, column="day", problem=_("a day like 2026-01-31 is needed")) from None
    mean_c = _number(line, "mean_c", cells, (-60, 60))
    heating_kd = _number(line, "heating_kd", cells, (0, 80))
    if mean_c is None and heating_kd is None:
        raise WeatherFileUnreadable(line=line, column="mean_c", problem=_("neither mean_c nor heating_kd"))
    return WeatherDay(site=site, day_on=day, mean_c=mean_c, heating_kd=heating_kd, source=source)


def _site(line: int, code: str, sites: dict[str, Site], only: Site | None) -> Site:
    """The site of a line."""
    if only is not None and code in ("", only.code):
        return only
    if only is not None:
        words = _("this is “%(code)s”; the import of all sites takes several")
        raise WeatherFileUnreadable(line=line, column="site", problem=words % {"code": code})
    if code not in sites:
        raise WeatherFileUnreadable(line=line, column="site", problem=_("there is no site “%(code)s”") % {"code": code})
    return sites[code]


def _number(line: int, name: str, cells: dict[str, str | None], bounds: tuple[float, float]) -> float | None:
    """The number in a cell; None where it is empty."""
    cleaned = (cells.get(name) or "").strip().replace(",", ".")
    if not cleaned:
        return None
    try:
        number = float(cleaned)
    except ValueError:
        raise WeatherFileUnreadable(line=line, column=name, problem=_("a number like 3.5 is needed")) from None
    if not bounds[0] <= number <= bounds[1]:
        words = _("no weather on earth: %(low)s to %(high)s are believed")
        raise WeatherFileUnreadable(line=line, column=name, problem=words % {"low": bounds[0], "high": bounds[1]})
    return number
