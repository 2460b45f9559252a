"""M-Bus telegrams (EN 13757-2 and -3) decoded exactly, or refused."""

from thermal.domain.mbus.billing import BillingValues, billing_values
from thermal.domain.mbus.frames import TelegramRefused, split_frames
from thermal.domain.mbus.records import Function, Record
from thermal.domain.mbus.telegrams import Telegram, decode, render

__all__ = [
    "BillingValues",
    "Function",
    "Record",
    "Telegram",
    "TelegramRefused",
    "billing_values",
    "decode",
    "render",
    "split_frames",
]
