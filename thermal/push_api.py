"""The one API route that no person uses: sources push their values to it and sign them with their key."""

import re
from typing import Any, Final

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle, SimpleRateThrottle
from rest_framework.views import APIView

from thermal.domain.pushing import BatchRefused
from thermal.services import pushing

TIMESTAMP: Final = "X-Heatledger-Timestamp"
SIGNATURE: Final = "X-Heatledger-Signature"
TIMESTAMP_FORM: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
WHO: Final = "The signature fits no source."


class PushedItemSerializer(serializers.Serializer[Any]):
    """The values of one device at one instant, by the keys of its profile's points."""

    device = serializers.CharField(help_text="Code of a device of this controller.")
    at = serializers.DateTimeField(help_text="When it was measured, with offset from UTC.")
    values = serializers.DictField(
        child=serializers.CharField(allow_null=True),
        help_text="Numbers or, to keep every digit, texts; null where the device has no value.",
    )


class PushedBatchSerializer(serializers.Serializer[Any]):
    """What a source sends at once."""

    sequence = serializers.IntegerField(min_value=0, help_text="Counts up by one; a batch is sent again as it was.")
    sent_at = serializers.DateTimeField()
    items = PushedItemSerializer(many=True)


class ItemResultSerializer(serializers.Serializer[Any]):
    """What became of one item: stored, known already, or refused with the field that is wrong and why."""

    result = serializers.ChoiceField(choices=("stored", "known", "refused"))
    field = serializers.CharField(required=False)
    reason = serializers.CharField(required=False)


class PushAnswerSerializer(serializers.Serializer[Any]):
    """What became of a batch; the same again for the same batch."""

    sequence = serializers.IntegerField()
    received_at = serializers.DateTimeField()
    stored = serializers.IntegerField()
    known = serializers.IntegerField()
    refused = serializers.IntegerField()
    items = ItemResultSerializer(many=True)


class PushProblemSerializer(serializers.Serializer[Any]):
    """Why nothing of a batch was stored."""

    code = serializers.CharField()
    detail = serializers.CharField()
    field = serializers.CharField(required=False)


class _PushThrottle(SimpleRateThrottle):
    """Counts requests in the cache, which all web processes share."""

    setting = ""

    def get_rate(self) -> str:
        """The limit of the installation."""
        return str(getattr(settings, self.setting))


class AddressThrottle(_PushThrottle):
    """How often anything may be pushed from one address."""

    setting = "THERMAL_PUSH_RATE_PER_ADDRESS"

    def get_cache_key(self, request: Request, view: APIView) -> str:  # noqa: ARG002
        """One count for each address."""
        return f"push-address-{self.get_ident(request)}"


class SourceThrottle(_PushThrottle):
    """How often one source may push; whoever pretends to be it from elsewhere has a count of his own."""

    setting = "THERMAL_PUSH_RATE_PER_SOURCE"

    def get_cache_key(self, request: Request, view: APIView) -> str:
        """One count for each source and address."""
        return f"push-source-{view.kwargs['code']}-{self.get_ident(request)}"


def _header(name: str, description: str) -> OpenApiParameter:
    return OpenApiParameter(name, str, OpenApiParameter.HEADER, required=True, description=description)


def _problem(description: str) -> OpenApiResponse:
    return OpenApiResponse(PushProblemSerializer, description)


class PushView(APIView):
    """Takes a batch of values from a source that signs it."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes: "tuple[type[BaseThrottle], ...]" = (AddressThrottle, SourceThrottle)

    @extend_schema(
        operation_id="push_create",
        auth=[],
        request=PushedBatchSerializer,
        parameters=[
            _header(TIMESTAMP, "Seconds since 1970, within the window of the portal (five minutes)."),
            _header(SIGNATURE, "HMAC-SHA-256 in hexadecimal of timestamp, a dot and the body, with the source's key."),
        ],
        responses={
            200: PushAnswerSerializer,
            400: _problem("The batch as a whole is not understood; nothing is stored."),
            401: _problem("Unknown source, wrong signature, or a clock that is off."),
            409: _problem("The sequence number was used for another body."),
            413: _problem("More bytes than a batch may have."),
            429: OpenApiResponse(description="Too often."),
        },
    )
    def post(self, request: Request, code: str) -> Response:
        """The result of each item; the first answer again for a batch that is sent again."""
        told_bytes = request.headers.get("Content-Length", "") or "0"
        if not told_bytes.isdecimal() or int(told_bytes) > settings.THERMAL_PUSH_MOST_BYTES:
            words = f"A batch has at most {settings.THERMAL_PUSH_MOST_BYTES} bytes."
            return _no(status.HTTP_413_REQUEST_ENTITY_TOO_LARGE, "too_large", words)
        body, now = request.body, timezone.now()
        timestamp, signature = request.headers.get(TIMESTAMP, ""), request.headers.get(SIGNATURE, "")
        if not TIMESTAMP_FORM.fullmatch(timestamp):
            return _no(status.HTTP_401_UNAUTHORIZED, "who_are_you", WHO)
        source = pushing.source_of(code=code, timestamp=timestamp, signature=signature, body=body)
        if source is None:
            return _no(status.HTTP_401_UNAUTHORIZED, "who_are_you", WHO)
        try:
            pushing.check_clock(timestamp=timestamp, now=now)
        except pushing.ClockOff as refusal:
            return _no(status.HTTP_401_UNAUTHORIZED, refusal.code, refusal.detail)
        try:
            return Response(pushing.receive_push(controller=source, body=body, now=now))
        except BatchRefused as refusal:
            return _no(status.HTTP_400_BAD_REQUEST, refusal.code, refusal.detail, field=refusal.field)


def _no(code: int, name: str, detail: str, **more: str) -> Response:
    return Response({"code": name, "detail": detail, **more}, status=code)
