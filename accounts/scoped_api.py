"""What every API route shares: rows narrowed to the user, capabilities for writes.

An app's ``api.py`` declares a serializer and a viewset::

    class SiteSerializer(ScopedSerializer):
        class Meta:
            model = Site
            fields = ("id", "code", "name")

    class SiteViewSet(ScopedViewSet):
        queryset = Site.objects.all()
        serializer_class = SiteSerializer
        filterset_class = filters.SiteFilter
"""

import copy
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from rest_framework import serializers, viewsets
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts import scoping
from accounts.models import User

ACTIONS = {"POST": "add", "PUT": "change", "PATCH": "change", "DELETE": "delete"}


class Capability(BasePermission):
    """Reading needs access, writing also the model's permission through a role."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the user's roles allow the method on the view's model."""
        if not scoping.has_access(request.user):
            return False
        if request.method in SAFE_METHODS:
            return True
        model = view.queryset.model  # type: ignore[attr-defined]
        action = ACTIONS[request.method or "POST"]
        needed = getattr(view, "capability", None) or f"{model._meta.app_label}.{action}_{model._meta.model_name}"
        return request.user.has_perm(needed)


def narrow(queryset: models.QuerySet[Any], user: Any) -> models.QuerySet[Any]:
    """The rows of ``queryset`` that ``user`` may see; catalogs without anchors are open to all."""
    if isinstance(queryset, scoping.ScopedQuerySet):
        return queryset.visible_to(user)
    return queryset


def person(request: Request) -> User:
    """The user behind a request that passed the permission check."""
    if not request.user.is_authenticated:
        raise NotAuthenticated
    return request.user


class ScopedSerializer(serializers.ModelSerializer[Any]):
    """A serializer whose related fields accept only what the user may see."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """The declared fields, with the choices of related ones narrowed to the user."""
        fields = super().get_fields()
        request = self.context.get("request")
        for field in fields.values():
            related = getattr(field, "child_relation", field)
            if request is not None and isinstance(related, serializers.RelatedField) and not related.read_only:
                choices: Any = related.get_queryset()
                setattr(related, "queryset", narrow(choices, request.user))  # noqa: B010 -- the stubs see a descriptor
        return fields

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The values, once the model's own checks and constraints agree."""
        model: type[models.Model] = self.Meta.model
        many = {field.name for field in model._meta.many_to_many}
        writable = {field.source for field in self._writable_fields}
        # What a caller cannot set is the service's business.
        exclude = many | {field.name for field in model._meta.fields if field.name not in writable}
        row = copy.copy(self.instance) if self.instance is not None else model()
        for name, value in attrs.items():
            if name not in many:
                setattr(row, name, value)
        try:
            row.full_clean(exclude=exclude)
        except ValidationError as refused:
            raise serializers.ValidationError(serializers.as_serializer_error(refused)) from refused
        return attrs


class ScopedReadOnlyViewSet(viewsets.ReadOnlyModelViewSet[Any]):
    """List and detail of the rows that the user may see; anything else is a 404."""

    permission_classes = (Capability,)
    capability: str | None = None

    def get_queryset(self) -> models.QuerySet[Any]:
        """The rows that the user may see."""
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset().none()
        return narrow(super().get_queryset(), self.request.user)


class ScopedViewSet(ScopedReadOnlyViewSet, viewsets.ModelViewSet[Any]):
    """As ``ScopedReadOnlyViewSet``, and writes for those whose roles allow them."""
