"""What frames every page: navigation by what a person may do, theme, search, demo banner."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from accounts.services import demo
from portal import health

THEMES = ("light", "dark")


@dataclass(frozen=True)
class Entry:
    """One link of the navigation; `views` are the view names under which it counts as current."""

    label: Any
    icon: str
    url_name: str
    views: tuple[str, ...]
    capability: str = ""


@dataclass(frozen=True)
class Link:
    """An entry made ready for one request."""

    label: Any
    icon: str
    url: str
    is_current: bool


OPERATIONS = (
    Entry(_("Overview"), "overview", "portal:overview", ("portal:",)),
    Entry(_("Sites"), "sites", "hosting:site_list", ("hosting:",), "hosting.view_site"),
    Entry(_("Heat"), "heat", "thermal:heat_list", ("thermal:",), "hosting.view_site"),
    Entry(_("Alarms"), "alarms", "thermal:alarm_list", ("thermal:alarm",), "hosting.view_site"),
    Entry(_("Contracts"), "contracts", "contracts:contract_list", ("contracts:",), "contracts.view_contract"),
    Entry(
        _("Billing"),
        "billing",
        "contracts:billing_home",
        ("contracts:invoice", "contracts:billing", "contracts:credit", "contracts:trueup"),
        "contracts.view_contract",
    ),
    Entry(_("Compliance"), "compliance", "compliance:overview", ("compliance:",), "hosting.view_site"),
    Entry(
        _("Packs"), "packs", "compliance:pack_list", ("compliance:pack", "compliance:auditpack"), "hosting.view_site"
    ),
)
AUDITOR = (
    Entry(_("Packs"), "packs", "compliance:pack_list", ("compliance:pack", "compliance:auditpack")),
    Entry(_("Sites"), "sites", "hosting:site_list", ("hosting:",)),
    Entry(_("Heat"), "heat", "thermal:heat_list", ("thermal:",)),
    Entry(_("Contracts"), "contracts", "contracts:contract_list", ("contracts:",)),
    Entry(_("Invoices"), "billing", "contracts:invoice_list", ("contracts:invoice",)),
    Entry(_("Compliance"), "compliance", "compliance:overview", ("compliance:",)),
)
OFFTAKER = (
    Entry(_("My heat"), "heat", "contracts:my_heat", ("contracts:my_heat",)),
    Entry(_("Service level"), "check", "contracts:my_service", ("contracts:my_service",)),
    Entry(_("Invoices"), "billing", "contracts:my_invoices", ("contracts:my_invoice",)),
    Entry(_("Savings"), "trend-up", "contracts:my_savings", ("contracts:my_savings",)),
    Entry(_("Planned works"), "calendar", "contracts:my_works", ("contracts:my_works",)),
    Entry(_("Report a fault"), "report", "contracts:my_fault", ("contracts:my_fault",)),
)
USER_MENU = (
    Entry(_("Profile and security"), "lock", "accounts:profile", ("accounts:profile",)),
    Entry(_("People and access"), "user", "accounts:person_list", ("accounts:",), "accounts.view_user"),
    Entry(_("System status"), "info", "status", ("status",), "accounts.change_user"),
)


def frame(request: HttpRequest) -> dict[str, Any]:
    """The frame of the page, worked out only when a template asks for it."""
    return {"frame": SimpleLazyObject(lambda: frame_of(request))}


def frame_of(request: HttpRequest) -> dict[str, Any]:
    """The navigation, theme and banners of one request."""
    user = request.user
    entries = navigation_of(user) if user.is_authenticated else ()
    navigation = links(request, entries)
    return {
        "theme": theme_of(request),
        "is_demo": demo.is_marked(),
        "skips_second_factor": demo.bypass_is_active(),
        "silent_queues": health.silent_queues(now=timezone.now()) if user.has_perm("hosting.view_site") else [],
        "status_url": url_of("status") if user.has_perm("accounts.change_user") else "",
        "navigation": navigation,
        "home_url": navigation[0].url if navigation else "/",
        "search_url": url_of("portal:search") if user.is_authenticated else "",
        "user_menu": links(request, USER_MENU) if user.is_authenticated else [],
        "role_words": ", ".join(sorted(user.groups.values_list("name", flat=True)))[:120]
        if user.is_authenticated
        else "",
    }


def navigation_of(user: Any) -> tuple[Entry, ...]:
    """The entries for what the person does here: operate, audit, or take heat."""
    if user.has_perm("hosting.view_site"):
        return OPERATIONS
    if user.has_perm("compliance.view_auditpack"):
        return AUDITOR
    return OFFTAKER


def links(request: HttpRequest, entries: Iterable[Entry]) -> list[Link]:
    """The entries that this person may follow, the current one marked."""
    match = request.resolver_match
    name = match.view_name if match else ""
    ready = [
        (entry, url_of(entry.url_name))
        for entry in entries
        if not entry.capability or request.user.has_perm(entry.capability)
    ]
    current = max((_fit(entry, name) for entry, url in ready if url), default=0)
    return [Link(entry.label, entry.icon, url, 0 < current == _fit(entry, name)) for entry, url in ready if url]


def _fit(entry: Entry, view_name: str) -> int:
    """How well an entry fits the view, so that the closest one of several is marked."""
    return max((len(view) for view in entry.views if view_name.startswith(view)), default=0)


def url_of(name: str) -> str:
    """The address of a view, or nothing where the installation leaves it out."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def theme_of(request: HttpRequest) -> str:
    """The theme chosen in this browser, else in the person's profile; nothing chosen means the one of the system."""
    chosen = request.COOKIES.get("theme", "")
    if not chosen and request.user.is_authenticated:
        chosen = request.user.theme
    return chosen if chosen in THEMES else "auto"
