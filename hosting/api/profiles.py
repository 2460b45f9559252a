"""Device profiles over HTTP: read, written as JSON, and as the YAML files of the editor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.scoped_api import ScopedReadOnlyViewSet, ScopedSerializer, person
from hosting.domain import yaml_lines
from hosting.domain.profiles import PointSpec, ProfileDraft
from hosting.models import DeviceKind, DeviceProfile, ProfilePoint, Protocol
from hosting.queries import profiles as stored
from hosting.services import profile_files, profiles

YAML = "application/yaml"


class ProfilePointSerializer(ScopedSerializer):
    """A point of a profile."""

    class Meta:
        model = ProfilePoint
        fields = ("slot", "key", "name", "quantity", "unit", "address")


class DeviceProfileSerializer(ScopedSerializer):
    """A device profile with its points."""

    points = ProfilePointSerializer(many=True, read_only=True)

    class Meta:
        model = DeviceProfile
        fields = (
            "id",
            "key",
            "version",
            "name",
            "device_kind",
            "protocol",
            "source",
            "verified_against",
            "options",
            "points",
        )


class PointFactsSerializer(serializers.Serializer[Any]):
    """A point as it is sent; what its address may say depends on the protocol."""

    slot = serializers.IntegerField(min_value=0, max_value=399)
    key = serializers.SlugField(max_length=60)
    name = serializers.CharField(max_length=120)
    quantity = serializers.ChoiceField(ProfilePoint.Quantity.choices)
    unit = serializers.CharField(max_length=16, required=False, allow_blank=True, default="")
    address = serializers.DictField(required=False, default=dict)


class PointsSerializer(serializers.Serializer[Any]):
    """All points of a version."""

    points = PointFactsSerializer(many=True, allow_empty=False)

    def specs(self) -> tuple[PointSpec, ...]:
        """The points as the services take them."""
        return tuple(PointSpec(**facts) for facts in self.validated_data["points"])


class ProfileFactsSerializer(PointsSerializer):
    """A profile as it is sent."""

    key = serializers.SlugField(max_length=60)
    name = serializers.CharField(max_length=120)
    device_kind = serializers.ChoiceField(DeviceKind.choices, default=DeviceKind.OTHER)
    protocol = serializers.ChoiceField(Protocol.choices)
    source = serializers.CharField(  # type: ignore[assignment]  # a field's own name for where it reads from
        max_length=200, required=False, allow_blank=True, default=""
    )
    verified_against = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")
    options = serializers.DictField(required=False, default=dict)

    def draft(self) -> ProfileDraft:
        """The profile as the services take it."""
        return ProfileDraft(**{**self.validated_data, "points": self.specs()})


class YamlParser(BaseParser):
    """Hands the bytes of a YAML file on; what they say is read with the lines of its mistakes."""

    media_type = YAML

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,  # noqa: ARG002 -- the interface
        parser_context: Mapping[str, Any] | None = None,  # noqa: ARG002 -- the interface
    ) -> Any:
        """The bytes, and one more than allowed to tell that there are too many."""
        return stream.read(yaml_lines.MAX_BYTES + 1)


class DeviceProfileViewSet(ScopedReadOnlyViewSet):
    """Device profiles; a version in use is never changed, and says so with 409."""

    queryset = DeviceProfile.objects.prefetch_related("points")
    serializer_class = DeviceProfileSerializer
    filterset_fields: ClassVar = ("key", "version", "protocol", "device_kind")

    @extend_schema(request=ProfileFactsSerializer, responses={201: DeviceProfileSerializer})
    def create(self, request: Request, **_kwargs: str) -> Response:
        """The first version of a profile; 409 if the key is taken, or if a point cannot be read."""
        facts = ProfileFactsSerializer(data=request.data)
        facts.is_valid(raise_exception=True)
        made = profiles.create_draft(draft=facts.draft(), by=person(request))
        return Response(DeviceProfileSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses={201: DeviceProfileSerializer})
    @action(detail=True, methods=["post"])
    def next(self, request: Request, **_kwargs: str) -> Response:
        """A copy under the next version number, free to be changed."""
        made = profiles.next_version(profile=self.get_object(), by=person(request))
        return Response(DeviceProfileSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=PointsSerializer, responses=DeviceProfileSerializer)
    @action(detail=True, methods=["put"])
    def points(self, request: Request, **_kwargs: str) -> Response:
        """Other points for a version that no device ever used."""
        facts = PointsSerializer(data=request.data)
        facts.is_valid(raise_exception=True)
        changed = profiles.replace_points(profile=self.get_object(), points=facts.specs(), by=person(request))
        return Response(DeviceProfileSerializer(changed).data)

    @extend_schema(responses={(200, YAML): OpenApiTypes.STR})
    @action(detail=True, methods=["get"])
    def file(self, request: Request, **_kwargs: str) -> HttpResponse:  # noqa: ARG002 -- the interface
        """The version as a YAML file."""
        return HttpResponse(stored.yaml_of(self.get_object()), content_type=YAML)

    @extend_schema(request={YAML: OpenApiTypes.STR}, responses={200: DeviceProfileSerializer})
    @action(detail=False, methods=["post"], parser_classes=[YamlParser], url_path="import")
    def import_file(self, request: Request, **_kwargs: str) -> Response:
        """A YAML file; the same content again answers 200 with the version that says it, anything new 201."""
        content: Any = request.data
        saved = profile_files.import_file(file_name="file", content=content, by=person(request))
        is_new = saved.outcome != "unchanged"
        return Response(
            {"outcome": saved.outcome, **DeviceProfileSerializer(saved.profile).data},
            status=status.HTTP_201_CREATED if is_new else status.HTTP_200_OK,
        )
