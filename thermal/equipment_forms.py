"""The form of facts of equipment."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from hosting.models import EquipmentModel
from thermal.models import EquipmentFact

_KINDS_OF = {
    EquipmentModel.Kind.HEAT_PUMP.value: ("efficiency_ratio", "drop_ratio", "usual_low_ratio", "usual_high_ratio"),
    EquipmentModel.Kind.PLATE_EXCHANGER.value: ("approach_k", "rise_k"),
    EquipmentModel.Kind.BUFFER_TANK.value: ("empty_c", "full_c"),
}


class EquipmentFactForm(forms.ModelForm):  # type: ignore[type-arg]
    """One dated fact of a piece of equipment: of the kinds that its own kind can have."""

    class Meta:
        model = EquipmentFact
        fields: Any = ("kind", "value", "valid_from", "valid_until", "source")
        widgets: Any = {
            "valid_from": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "valid_until": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        allowed = _KINDS_OF.get(self.instance.equipment.model.kind, ())
        self.fields["kind"].choices = [one for one in EquipmentFact.Kind.choices if one[0] in allowed]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Refuse a share outside of one, and a rise or approach that is none."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        kind, value = cleaned.get("kind") or "", cleaned.get("value")
        if value is None:
            return cleaned
        if kind.endswith("_ratio") and not 0 < value < 1:
            self.add_error("value", _("Enter a share of one: 0.42 for 42 %."))
        if kind.endswith("_k") and not 0 < value < 100:
            self.add_error("value", _("Enter a difference above 0 K."))
        return cleaned
