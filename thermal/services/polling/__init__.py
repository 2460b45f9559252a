"""Polling: claim what is due, ask it, store what it told."""

from thermal.services.polling.accounting import PollCount, add_polls
from thermal.services.polling.accounting import drop_expired as drop_expired_accounts
from thermal.services.polling.asking import ask_batch
from thermal.services.polling.claiming import Batch, claim_due
from thermal.services.polling.polls import poll_batch, poll_due
from thermal.services.polling.probing import Probe, ProbedValue, probe_device

__all__ = [
    "Batch",
    "PollCount",
    "Probe",
    "ProbedValue",
    "add_polls",
    "ask_batch",
    "claim_due",
    "drop_expired_accounts",
    "poll_batch",
    "poll_due",
    "probe_device",
]
