"""Languages in which the field speaks first: what they know of a profile, and why nobody asks them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from hosting.domain.addresses import LANGUAGES
from thermal.domain import dropping, told
from thermal.domain.readings import Answer, Missing, PointSpec
from thermal.protocols.base import Endpoint, Target, failed

NOT_ASKED: Final = "This source sends by itself; it cannot be asked."


class Told:
    """A field language that is only listened to."""

    def __init__(self, language: str) -> None:
        self.known = LANGUAGES[language].point_names

    def plan(self, points: Sequence[PointSpec], options: dict[str, Any]) -> told.ToldPlan:  # noqa: ARG002
        """Return the plan of a profile, or refuse a point that cannot be understood."""
        return told.plan(points, self.known)

    async def read(self, endpoint: Endpoint, targets: Sequence[Target]) -> AsyncIterator[tuple[Target, Answer]]:  # noqa: ARG002
        """Yield for each device that it is not asked."""
        for target in targets:
            yield target, failed(target, NOT_ASKED, Missing.NOT_ASKED)


class ToldInFiles(Told):
    """Files of a drop folder, whose columns the points name."""

    def plan(self, points: Sequence[PointSpec], options: dict[str, Any]) -> told.ToldPlan:
        """Return the plan of a profile, or refuse a point without a column and an option that means nothing."""
        dropping.check(points, options)
        return super().plan(points, options)
