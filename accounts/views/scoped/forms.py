"""Pages that change something: add, change, confirm, delete."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.db.models import ProtectedError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy

from accounts import refusals
from accounts.views.scoped.pages import Crumb, ScopedObjectPage, ScopedPage
from kernel.errors import Refusal


class FormPage(ScopedPage):
    """What adding, changing and confirming share: one form, one call, refusals shown in the form."""

    form_class: ClassVar[Any] = None
    success_message: Any = ""
    submit_label: Any = gettext_lazy("Save")

    def get_form_kwargs(self) -> dict[str, Any]:
        kwargs: dict[str, Any] = {"initial": self.get_initial()}
        if self.request.method == "POST":
            kwargs |= {"data": self.request.POST, "files": self.request.FILES}
        return kwargs

    def get_initial(self) -> dict[str, Any]:
        return {}

    def get_form(self) -> Any:
        form = self.form_class(**self.get_form_kwargs())
        narrow_choices(form, self.request)
        return form

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._show(self.get_form())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.get_form()
        if not form.is_valid():
            return self._show(form)
        try:
            outcome = self.carry_out(form)
        except Refusal as refusal:
            form.add_error(None, refusals.words_of(refusal))
            return self._show(form)
        if self.success_message:
            messages.success(request, self.success_message)
        return HttpResponseRedirect(self.get_success_url(outcome))

    def carry_out(self, form: Any) -> Any:
        """The result of the one call that this page makes."""
        raise NotImplementedError

    def get_success_url(self, outcome: Any) -> str:
        url: str = outcome.get_absolute_url()
        return url

    def _show(self, form: Any) -> HttpResponse:
        context = self.get_context_data(form=form, submit_label=self.submit_label)
        response: HttpResponse = self.render_to_response(context)
        return response


def narrow_choices(form: forms.BaseForm, request: HttpRequest) -> None:
    """Leave in every choice of rows only those that the user may see."""
    for field in form.fields.values():
        if not isinstance(field, forms.ModelChoiceField) or field.queryset is None:
            continue
        if hasattr(field.queryset, "visible_to"):
            field.queryset = field.queryset.visible_to(request.user)


class ScopedCreateView(FormPage, ScopedPage):
    """Adds a row; `save` calls the service and returns the new row."""

    template_name = "components/form_page.html"
    success_message = gettext_lazy("Saved.")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            self.require_capability()
        return super().dispatch(request, *args, **kwargs)

    def get_title(self) -> str:
        if self.title:
            return str(self.title)
        return gettext("Add %(kind)s") % {"kind": self.model._meta.verbose_name}

    def save(self, form: Any) -> Any:
        return form.save()

    def carry_out(self, form: Any) -> Any:
        return self.save(form)


class ScopedUpdateView(FormPage, ScopedObjectPage):
    """Changes a row; `save` calls the service and returns the changed row."""

    template_name = "components/form_page.html"
    success_message = gettext_lazy("Saved.")

    def get_form_kwargs(self) -> dict[str, Any]:
        kwargs = super().get_form_kwargs()
        if issubclass(self.form_class, forms.BaseModelForm):
            kwargs["instance"] = self.object
        return kwargs

    def get_title(self) -> str:
        return str(self.title) or gettext("Change %(name)s") % {"name": self.object}

    def breadcrumbs(self) -> list[Crumb]:
        return [Crumb(str(self.object), self.object.get_absolute_url())]

    def save(self, form: Any) -> Any:
        return form.save()

    def carry_out(self, form: Any) -> Any:
        return self.save(form)


class ConfirmForm(forms.Form):
    """Nothing to fill in: the second press of a button is the confirmation."""


class ConfirmView(FormPage, ScopedObjectPage):
    """Says what will happen and acts only on a deliberate second step (a POST)."""

    template_name = "components/confirm_page.html"
    form_class: ClassVar[Any] = ConfirmForm
    consequence: Any = ""
    confirm_label: Any = gettext_lazy("Confirm")
    destructive: bool = True

    def get_consequence(self) -> str:
        return str(self.consequence)

    def breadcrumbs(self) -> list[Crumb]:
        return [Crumb(str(self.object), self.object.get_absolute_url())]

    def act(self, form: Any) -> Any:
        """Make the one call; return the row to show next, or nothing for the same row."""
        raise NotImplementedError

    def carry_out(self, form: Any) -> Any:
        return self.act(form) or self.object

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = {
            "consequence": self.get_consequence(),
            "confirm_label": self.confirm_label,
            "destructive": self.destructive,
            "cancel_url": self.get_cancel_url(),
        }
        return super().get_context_data(**{**context, **kwargs})

    def get_cancel_url(self) -> str:
        url: str = self.object.get_absolute_url()
        return url


class StillInUse(Refusal):
    """Other records point at this one, so it cannot be deleted."""


class ScopedDeleteView(ConfirmView):
    """Deletes a row that nothing points at."""

    confirm_label: Any = gettext_lazy("Delete")
    success_url_name: str = ""
    success_message = gettext_lazy("Deleted.")

    def get_title(self) -> str:
        return str(self.title) or gettext("Delete %(name)s") % {"name": self.object}

    def get_consequence(self) -> str:
        return str(self.consequence) or gettext("The record is removed. Its change history stays.")

    def act(self, form: Any) -> Any:
        try:
            self.object.delete()
        except ProtectedError as error:
            count = len(error.protected_objects)
            raise StillInUse(
                gettext("Other records (%(count)s) point at it. Retire it instead.") % {"count": count}
            ) from error

    def get_success_url(self, outcome: Any) -> str:
        return reverse(self.success_url_name)
