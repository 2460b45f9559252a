"""Decode M-Bus telegrams from files."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from thermal.domain import mbus

HEX_DIGITS = frozenset(b"0123456789abcdefABCDEF \t\r\n")


class Command(BaseCommand):
    """Print one JSON document for each telegram; the exit status is 1 if any of them failed."""

    help = "Decode M-Bus telegrams (hexadecimal text or binary) and print one JSON document for each."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the files."""
        parser.add_argument("files", nargs="+", metavar="FILE")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Decode every file, the good ones after a bad one too."""
        all_good = True
        for name in options["files"]:
            for document in documents(name):
                all_good = all_good and document["ok"]
                self.stdout.write(json.dumps(document, ensure_ascii=False))
        if not all_good:
            sys.exit(1)


def documents(name: str) -> Iterator[dict[str, Any]]:
    """Yield the document of each telegram in the file; a file that cannot be read gives one as well."""
    try:
        frames = mbus.split_frames(telegram_bytes(Path(name).read_bytes()))
    except OSError as problem:
        yield document(name, error=f"The file cannot be read: {problem.strerror}.")
    except mbus.TelegramRefused as refusal:
        yield document(name, error=refusal.detail)
    else:
        for frame in frames:
            try:
                yield document(name, telegram=mbus.decode(frame))
            except mbus.TelegramRefused as refusal:
                yield document(name, error=refusal.detail)


def telegram_bytes(content: bytes) -> bytes:
    """Return the bytes that a file holds, as hexadecimal digits or as they are."""
    if not HEX_DIGITS.issuperset(content):
        return content
    digits = b"".join(content.split())
    if len(digits) % 2:
        raise mbus.TelegramRefused("The file has an odd number of hexadecimal digits.")
    return bytes.fromhex(digits.decode("ascii"))


def document(name: str, *, telegram: mbus.Telegram | None = None, error: str | None = None) -> dict[str, Any]:
    """Return what is printed for one telegram."""
    return {
        "file": name,
        "ok": telegram is not None,
        "error": error,
        "manufacturer": telegram.manufacturer if telegram else None,
        "id": telegram.identification if telegram else None,
        "medium": telegram.medium if telegram else None,
        "status": f"{telegram.status:02X}" if telegram else None,
        "records": [record_document(record) for record in telegram.records] if telegram else [],
        "billing": billing_document(mbus.billing_values(telegram)) if telegram else {},
    }


def record_document(record: mbus.Record) -> dict[str, Any]:
    """Return one record for printing."""
    return {
        "quantity": record.quantity,
        "value": mbus.render(record.value),
        "unit": record.unit,
        "function": str(record.function),
        "storage": record.storage,
        "tariff": record.tariff,
        "subunit": record.subunit,
    }


def billing_document(values: mbus.BillingValues) -> dict[str, str | None]:
    """Return the main registers as text, null where the telegram does not tell one."""
    return {key: _text(value) for key, value in dataclasses.asdict(values).items()}


def _text(value: Decimal | dt.datetime | int | None) -> str | None:
    """Return the value as text with all its digits."""
    return str(value) if isinstance(value, int) else mbus.render(value)
