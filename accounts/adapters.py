"""How django-allauth behaves here: nobody registers alone, and secrets are stored encrypted."""

import base64
import hashlib
import time
from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.account.internal.stagekit import clear_login
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet
from django.conf import settings
from django.http import HttpRequest, HttpResponse


class AccountAdapter(DefaultAccountAdapter):
    """Log-in for people who were invited."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Never: people come in by invitation."""
        return False

    def pre_login(self, request: HttpRequest, user: Any, **facts: Any) -> HttpResponse | None:
        """The page that says that access has ended, or None for those who may come in."""
        if not user.has_access:
            clear_login(request)
            answer: HttpResponse = self.respond_user_inactive(request, user)
            return answer
        return super().pre_login(request, user, **facts)  # type: ignore[no-any-return]

    def is_reauthentication_required(self, *, app: str, **facts: Any) -> bool:
        """Whether to ask for the password once more: not right after log-in, as people set up a second factor."""
        return not _logged_in_just_now() and bool(super().is_reauthentication_required(app=app, **facts))


def _logged_in_just_now() -> bool:
    records = get_authentication_records(context.request, context.request.user)
    return bool(records) and time.time() - records[-1]["at"] < app_settings.REAUTHENTICATION_TIMEOUT


class MFAAdapter(DefaultMFAAdapter):
    """Second factors whose secrets a stolen database does not reveal."""

    def encrypt(self, text: str) -> str:
        """The secret as it is stored."""
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """The secret as it is used."""
        return _cipher().decrypt(encrypted_text.encode()).decode()


def _cipher() -> Fernet:
    key = hashlib.sha256(b"heatledger.mfa:" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
