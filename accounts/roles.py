"""The roles that ship ready, and what each may do. The one place that says so.

A role is a group of the same name. Permissions are written as patterns, because the floors above declare
them; `sync` gives each group exactly those that exist and match.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import combinations
from typing import Final

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

FLOORS: Final = ("accounts", "hosting", "thermal", "contracts", "compliance")

# Whoever holds one of these sees every row that hangs on the anchor.
GLOBAL_VIEWS: Final = ("hosting.view_site", "contracts.view_offtaker", "contracts.view_contract")
# Of what meters told and what is wrong with it, offtakers see the outcome; the queue is for those who work it.
_EVERY_VIEW: Final = (
    "hosting.view_*",
    "thermal.view_*",
    "thermal.review_*",
    # Key figures of the provider, which no offtaker reads.
    "thermal.read_*",
    "contracts.view_*",
    "compliance.view_*",
)
_FIELD_RECORDS: Final = (
    "compliance.*_task",
    "compliance.*_watersample*",
    "compliance.*_incident*",
    "compliance.*_evidence*",
    "compliance.*_document*",
    "compliance.*_runninghours*",
)


@dataclass(frozen=True, slots=True)
class Role:
    """What a kind of person may do; `staff` must use a second factor, `sees_all` is bound to no grants."""

    key: str
    name: str | Promise
    purpose: str | Promise
    staff: bool
    sees_all: bool
    patterns: tuple[str, ...]

    def holds(self, permission: str) -> bool:
        """Whether the role gives the permission, written as `app.codename`."""
        if permission in GLOBAL_VIEWS and not self.sees_all:
            return False
        return any(fnmatchcase(permission, pattern) for pattern in self.patterns)


ROLES: Final = (
    Role(
        "administrator",
        _("administrator"),
        _("invites people, keeps sites, contracts and prices"),
        staff=True,
        sees_all=True,
        patterns=(
            *_EVERY_VIEW,
            "accounts.*",
            "hosting.*",
            "thermal.*_alarmrule*",
            "thermal.*_sitefact",
            "thermal.*_equipmentfact",
            "thermal.*_weatherdependence",
            "thermal.*_emissionfactor",
            "thermal.import_weather",
            "contracts.*_offtaker*",
            "contracts.*_contact*",
            "contracts.*_contract",
            "contracts.*_contractdeliverypoint*",
            "contracts.*_priceterms",
            "contracts.*_slaterms",
            "contracts.*_priceindex*",
            "contracts.*_indexvalue*",
            "contracts.*_legalentity*",
            "contracts.*_numberseries",
            "compliance.*_checklist*",
            "compliance.*_accessreview*",
        ),
    ),
    Role(
        "operator",
        _("operator"),
        _("watches the plant, acknowledges alarms, records field work"),
        staff=True,
        sees_all=True,
        patterns=(
            *_EVERY_VIEW,
            "hosting.*_plannedoutage",
            "thermal.acknowledge_*",
            "thermal.shelve_*",
            "thermal.probe_*",
            "thermal.accept_*",
            *_FIELD_RECORDS,
        ),
    ),
    Role(
        "engineer",
        _("engineer"),
        _("builds sites, piping, meters and controllers, sets alarm limits, proposes corrections"),
        staff=True,
        sees_all=True,
        patterns=(
            *_EVERY_VIEW,
            "hosting.*",
            "thermal.acknowledge_*",
            "thermal.shelve_*",
            "thermal.probe_*",
            "thermal.accept_*",
            "thermal.*_alarmrule*",
            "thermal.*_validationrule*",
            "thermal.*_sitefact",
            "thermal.*_equipmentfact",
            "thermal.*_weatherdependence",
            "thermal.*_emissionfactor",
            "thermal.import_*",
            "thermal.correct_*",
            "thermal.propose_*",
            "thermal.settle_*",
            *_FIELD_RECORDS,
            "compliance.*_maintenanceplan*",
            "compliance.*_obligation*",
        ),
    ),
    Role(
        "billing",
        _("billing"),
        _("drafts, reviews and issues invoices, drafts credit notes"),
        staff=True,
        sees_all=True,
        patterns=(
            *_EVERY_VIEW,
            "contracts.*_invoice*",
            "contracts.*_billing*",
            "contracts.add_creditnote*",
            "contracts.change_creditnote*",
            "contracts.draft_*",
            "contracts.issue_*",
            "contracts.propose_*",
            "contracts.*_payment*",
        ),
    ),
    Role(
        "approver",
        _("approver"),
        _("approves credit notes, corrected readings and substitutions"),
        staff=True,
        sees_all=True,
        patterns=(*_EVERY_VIEW, "contracts.approve_*", "thermal.approve_*", "compliance.approve_*"),
    ),
    Role(
        "compliance",
        _("compliance"),
        _("keeps duties, permits and incidents, builds audit packs, reviews access"),
        staff=True,
        sees_all=True,
        patterns=(
            *_EVERY_VIEW,
            "accounts.view_*",
            "hosting.*_plannedoutage",
            "compliance.*",
            "thermal.*_sitefact",
            "thermal.*_emissionfactor",
            "thermal.import_weather",
        ),
    ),
    Role(
        "auditor",
        _("auditor"),
        _("reads what was granted, until the agreed day"),
        staff=False,
        sees_all=False,
        patterns=(*_EVERY_VIEW, "compliance.verify_*", "compliance.build_auditpack"),
    ),
    Role(
        "offtaker-viewer",
        _("offtaker viewer"),
        _("sees the heat, service level and planned works of the own contracts"),
        staff=False,
        sees_all=False,
        patterns=("hosting.view_*", "thermal.view_*", "contracts.view_sla*", "compliance.report_*"),
    ),
    Role(
        "offtaker-finance",
        _("offtaker finance"),
        _("sees the invoices of the own contracts as well"),
        staff=False,
        sees_all=False,
        patterns=(
            "hosting.view_*",
            "thermal.view_*",
            "contracts.view_sla*",
            "contracts.view_invoice*",
            "contracts.view_creditnote*",
            "contracts.download_*",
            "compliance.report_*",
        ),
    ),
)
BY_KEY: Final = {role.key: role for role in ROLES}

# Who does the first does not do the second.
SEPARATED_DUTIES: Final = (
    ("contracts.change_priceterms", "contracts.issue_invoice"),
    ("contracts.issue_invoice", "contracts.approve_creditnote"),
)


def conflicts(keys: Iterable[str]) -> list[tuple[Role, Role]]:
    """The pairs among the roles that one person must not hold together."""
    chosen = [role for role in ROLES if role.key in set(keys)]
    return [
        (one, other)
        for one, other in combinations(chosen, 2)
        if any(
            (one.holds(first) and other.holds(second)) or (one.holds(second) and other.holds(first))
            for first, second in SEPARATED_DUTIES
        )
    ]


@transaction.atomic
def sync(app_labels: Iterable[str] = FLOORS) -> int:
    """The number of permissions given or taken so that each role's group holds what the table says."""
    labels = set(app_labels) & set(FLOORS)
    existing = list(Permission.objects.filter(content_type__app_label__in=labels).select_related("content_type"))
    return sum(_sync_role(role, existing, labels) for role in ROLES)


def _sync_role(role: Role, existing: list[Permission], labels: set[str]) -> int:
    group, _created = Group.objects.get_or_create(name=role.key)
    wanted = {p.pk for p in existing if role.holds(f"{p.content_type.app_label}.{p.codename}")}
    held = set(group.permissions.filter(content_type__app_label__in=labels).values_list("pk", flat=True))
    group.permissions.add(*wanted - held)
    group.permissions.remove(*held - wanted)
    return len(wanted ^ held)
