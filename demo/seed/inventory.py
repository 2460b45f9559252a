"""The three sites with all that stands, runs and measures there."""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.db import transaction

from accounts.models import User
from demo.plant.faults import Fault
from demo.seed.baselines import state_baselines
from demo.seed.equipment import build_equipment
from demo.seed.instruments import Stand, install_instruments
from demo.seed.places import PLACES, Place
from demo.seed.story import Story
from hosting.models import DeliveryPoint, PlannedOutage, Site
from hosting.services import outages
from kernel.periods import Period

_NOTICE: Final = dt.timedelta(days=10)


@transaction.atomic
def build_inventory(*, story: Story, by: User) -> None:
    """Sites, equipment, pipes, meters, controllers and planned outages; what is there already stays."""
    for place in PLACES:
        site = _site(place)
        equipment = build_equipment(site, place)
        plant = place.installation.plant
        delivery_point, _ = DeliveryPoint.objects.get_or_create(
            code=place.delivery_code,
            defaults={
                "site": site,
                "name": place.delivery_name,
                "design_supply_c": plant.supply_c,
                "design_return_c": plant.return_c,
                "design_kw": plant.contract_kw,
                "equipment": equipment["HS-1"],
            },
        )
        install_instruments(
            Stand(
                site=site,
                place=place,
                delivery_point=delivery_point,
                equipment=equipment,
                since=story.epoch,
                by=by,
            )
        )
        state_baselines(site=site, place=place, equipment=equipment, by=by, now=story.built_at)
    _announce_works(story, by)


def _site(place: Place) -> Site:
    site, _ = Site.objects.get_or_create(
        code=place.code,
        defaults={
            "name": place.name,
            "lifecycle": Site.Lifecycle.LIVE,
            "time_zone": place.installation.plant.timezone,
            "country": place.country,
            "address": place.address,
            "latitude_deg": place.latitude_deg,
            "longitude_deg": place.longitude_deg,
            "installed_it_kw": place.installation.plant.it_kw,
            "live_since_on": dt.date.fromisoformat(place.live_since),
        },
    )
    return site


def _announce_works(story: Story, by: User) -> None:
    """Past works as the story has them, and works to come at the first site."""
    if PlannedOutage.objects.exists():
        return
    for event in story.events:
        if event.fault is Fault.MAINTENANCE:
            outages.announce_outage(
                site=Site.objects.get(code=event.site),
                period=Period(event.starts_at, event.ends_at),
                reason="Exchanger inspection and pump bearings",
                by=by,
                now=event.starts_at - _NOTICE,
            )
    day = story.built_at.replace(hour=7, minute=0, second=0, microsecond=0) + dt.timedelta(days=12)
    outages.announce_outage(
        site=Site.objects.get(code=PLACES[0].code),
        period=Period(day, day + dt.timedelta(hours=5)),
        reason="Cleaning of the plate exchanger",
        by=by,
        now=story.built_at,
    )
