"""How programs say who they are."""

from typing import Final

import pghistory
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from accounts.models import ApiToken, User
from accounts.services import tokens

KEYWORD: Final = "Token"
_WORDS: Final = 2


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Token KEY`, for as long as the key lasts and as far as its scope goes."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """The person for whom the program acts, and the key; None where no key was sent."""
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != KEYWORD.lower().encode():
            return None
        if len(words) != _WORDS:
            raise AuthenticationFailed(_("Write “Authorization: Token” and the key."))
        token = tokens.token_for(words[1].decode("latin-1"), now=timezone.now())
        if token is None:
            raise AuthenticationFailed(_("The key is unknown, revoked or has expired."))
        if request.method not in SAFE_METHODS and token.scope != ApiToken.Scope.WRITE:
            raise PermissionDenied(_("The key reads only."))
        # The history middleware ran before anyone knew whose key this is.
        pghistory.context(user=token.user.pk, key=token.prefix)
        return token.user, token

    def authenticate_header(self, request: HttpRequest) -> str:  # noqa: ARG002
        """What the answer 401 asks for."""
        return KEYWORD


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the API's document describes the key."""

    target_class = "accounts.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:  # noqa: ARG002
        """The header of the key."""
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": "Token KEY"}
