"""The offtaker's own pages, phone first: no word here that a pool manager would have to look up."""

import csv
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.views import scoped
from contracts import forms
from contracts.documents import wording
from contracts.models import Contract, CreditNote, Invoice
from contracts.queries import bills, my_heat, service_levels, terms
from contracts.services import faults
from contracts.views import service
from kernel.periods import local_date, local_days
from thermal.models.ledger import Quality
from thermal.queries import intervals

MOST_INVOICES = 60


class MyPage(scoped.ScopedPage):
    """A page about one contract of the person; ``?contract=`` chooses among several."""

    model = Contract

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The page, once the contract is known; without any there is nothing to see."""
        self.contracts: list[Contract] = []
        if request.user.is_authenticated:
            self.contracts = list(my_heat.contracts_of(request.user)[:50])
            self.contract = self._chosen(request.GET.get("contract", ""))
        return super().dispatch(request, *args, **kwargs)

    def _chosen(self, key: str) -> Contract:
        """The contract asked for, or the first; what is hidden is a 404."""
        for contract in self.contracts:
            if not key or key == str(contract.pk):
                return contract
        raise Http404

    def today(self) -> date:
        """Today in the zone of the contract."""
        return local_date(timezone.now(), self.contract.zone)

    def month_on(self) -> date:
        """The month in the address, or this one."""
        if text := self.request.GET.get("month"):
            try:
                return date.fromisoformat(f"{text}-01")
            except ValueError as wrong:
                raise Http404 from wrong
        return self.today().replace(day=1)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the contract and the others to choose from."""
        return super().get_context_data(contract=self.contract, contracts=self.contracts, **kwargs)

    def news(self) -> list[tuple[str, Invoice | CreditNote]]:
        """The documents of the last days, each in a sentence."""
        rows = my_heat.news_of(self.contract, self.request.user, self.today())
        return [(wording.news(row), row) for row in rows]


class MyHeat(MyPage):
    """The start page: one sentence, then now, this month, service, bill, works."""

    template_name = "contracts/my_heat.html"
    title = gettext_lazy("My heat")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With everything of the first screen."""
        now, month_on = timezone.now(), self.month_on()
        month = my_heat.month_of(self.contract, month_on, now)
        sees_bills = self.request.user.has_perm("contracts.view_invoice")
        days = my_heat.daily_kwh(self.contract, month_on, now)
        most = max((kwh for _day, kwh in days if kwh is not None), default=None)
        return super().get_context_data(
            sentence=self._sentence(month), live=my_heat.now_of(self.contract, now), month=month, month_on=month_on,
            service=service.standing_facts(month.standing) if month else None,
            bars=[(day, kwh, _bar(kwh, most)) for day, kwh in days],
            invoice=self._latest_invoice() if sees_bills else None,
            saved=next(iter(my_heat.savings_of(self.contract, self.request.user)), None) if sees_bills else None,
            works=my_heat.works_of(self.contract, now)[:3],
            expected_ratio=self._expected_ratio(month), sees_bills=sees_bills,
            news=self.news() if sees_bills else [], **kwargs,
        )  # fmt: skip

    def _latest_invoice(self) -> Invoice | None:
        rows = Invoice.objects.visible_to(self.request.user).filter(contract=self.contract, state=Invoice.State.ISSUED)
        return rows.filter(~bills.cancelled()).order_by("-month_on", "-revision").first()

    def _expected_ratio(self, month: my_heat.Month | None) -> float | None:
        if month is None or not month.expected_kwh or month.heat_kwh is None:
            return None
        return float(month.heat_kwh / month.expected_kwh)

    def _sentence(self, month: my_heat.Month | None) -> str:
        """The month in one sentence."""
        place = self.contract.delivery_point.name
        if month is None or month.heat_kwh is None:
            return _("No heat has been measured at %(place)s this month yet.") % {"place": place}
        facts = {"place": place, "kwh": wording.number(month.heat_kwh, 0)}
        judged = month.standing.judgement
        promised = terms.sla_terms_on(self.contract, min(self.today(), _last_day(self.contract, month.month_on)))
        if judged is None or judged.availability_ratio is None or promised is None:
            return _("%(place)s received %(kwh)s kWh this month.") % facts
        facts |= {
            "share": wording.availability(judged.availability_ratio),
            "low": wording.plain(promised.supply_min_c),
            "high": wording.plain(promised.supply_max_c),
        }
        return _("%(place)s received %(kwh)s kWh this month, %(share)s of the time at %(low)s to %(high)s °C.") % facts


def _bar(kwh: Decimal | None, most: Decimal | None) -> dict[str, int]:
    """The bar of a day on a scale of a hundred, as SVG counts: from the top."""
    tall = round(kwh / most * 100) if kwh and most else 0
    return {"top": 100 - tall, "tall": tall}


def _last_day(contract: Contract, month_on: date) -> date:
    bill = terms.bill_period(contract, month_on)
    return bill.ends_on - timedelta(days=1) if bill else month_on


class MyService(MyPage):
    """The service level of a month, with what was excluded and why."""

    template_name = "contracts/my_service.html"
    title = gettext_lazy("Service level")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the days and the works of the month."""
        month_on = self.month_on()
        bill = terms.bill_period(self.contract, month_on)
        standing = service_levels.standing(self.contract, bill.starts_on, bill.ends_on) if bill else None
        days = service_levels.days_of(self.contract, bill.starts_on, bill.ends_on) if bill else []
        return super().get_context_data(
            month_on=month_on, previous_on=terms.previous_month(month_on), following_on=terms.next_month(month_on),
            is_current=month_on >= self.today().replace(day=1),
            service=service.standing_facts(standing) if standing else None,
            strips=[service.strip_of(day, self.contract) for day in days],
            works=service.works_of(self.contract, bill) if bill else [],
            promised=terms.sla_terms_on(self.contract, _last_day(self.contract, month_on)), **kwargs,
        )  # fmt: skip


class MyInvoices(MyPage):
    """The issued invoices and credit notes, with their PDFs."""

    template_name = "contracts/my_invoices.html"
    title = gettext_lazy("Invoices")
    capability = "contracts.view_invoice"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the issued documents; drafts are nobody's business but ours."""
        user = self.request.user
        credit_notes = CreditNote.objects.visible_to(user).filter(
            invoice__contract=self.contract, state=CreditNote.State.ISSUED
        )
        return super().get_context_data(
            invoices=[_listed(row) for row in my_heat.invoices_of(self.contract, user, MOST_INVOICES)],
            credit_notes=[
                (
                    each,
                    wording.money(each.gross_amount, each.currency),
                    wording.day(each.issued_on) if each.issued_on else "",
                )
                for each in credit_notes.defer("pdf").select_related("invoice")[:MOST_INVOICES]
            ],
            news=self.news(),
            **kwargs,
        )


def _listed(row: my_heat.IssuedInvoice) -> tuple[my_heat.IssuedInvoice, str, str, str]:
    """An invoice with its month, its amount and the day by which it is due, in words."""
    invoice = row.invoice
    due_day = wording.day(invoice.due_on) if invoice.due_on else ""
    return row, wording.month(invoice.month_on), wording.money(invoice.gross_amount, invoice.currency), due_day


class MySavings(MyPage):
    """What the heat saved against the boiler: money and carbon, with how it is computed."""

    template_name = "contracts/my_savings.html"
    title = gettext_lazy("Savings")
    capability = "contracts.view_invoice"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With a row per billed month."""
        months = my_heat.savings_of(self.contract, self.request.user)
        currency = self.contract.currency
        rows = [
            {
                "month": wording.month(each.invoice.month_on),
                "heat": each.invoice.heat_kwh,
                "fuel": wording.money(each.saved.fuel_amount, currency),
                "bill": wording.money(each.invoice.net_amount, currency),
                "saved": wording.money(each.saved.saved_amount, currency),
                "kg": each.saved.avoided_kg_co2e,
                "boiler": each.boiler,
            }
            for each in months
        ]
        return super().get_context_data(
            rows=rows,
            total_saved=wording.money(sum((each.saved.saved_amount for each in months), start=Decimal(0)), currency),
            total_kg=sum((each.saved.avoided_kg_co2e for each in months), start=Decimal(0)),
            boiler=my_heat.boiler_on(self.contract, self.today()), **kwargs,
        )  # fmt: skip


class MyWorks(MyPage):
    """Works ahead."""

    template_name = "contracts/my_works.html"
    title = gettext_lazy("Planned works")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the works of the coming year."""
        return super().get_context_data(works=my_heat.works_of(self.contract, timezone.now()), **kwargs)


class MyFault(scoped.FormPage, MyPage):
    """Report a fault."""

    template_name = "contracts/my_fault.html"
    title = gettext_lazy("Report a fault")
    form_class = forms.FaultForm
    submit_label = gettext_lazy("Send")

    def carry_out(self, form: Any) -> Any:
        """The stored report."""
        report = faults.report_fault(
            contract=self.contract,
            by=self.request.user,
            now=timezone.now(),
            **form.cleaned_data,
        )
        messages.success(self.request, _("Thank you. Your report is with our operators now."))
        return report

    def get_success_url(self, outcome: Any) -> str:
        """Back to the start."""
        return f"{reverse('contracts:my_heat')}?contract={outcome.contract_id}"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With what was reported before."""
        return super().get_context_data(reports=self.contract.fault_reports.order_by("-reported_at")[:5], **kwargs)


class MyIntervals(MyPage):
    """The quarter hours of a month as a file."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The file."""
        month_on = self.month_on()
        bill = terms.bill_period(self.contract, month_on)
        if bill is None:
            raise Http404
        period = local_days(bill.starts_on, bill.ends_on, self.contract.zone)
        rows = intervals.heat_series(delivery_point=self.contract.delivery_point, period=period)
        writer = csv.writer(_Echo())
        header = ["start", "heat_kwh", "volume_m3", "supply_c", "return_c", "heat_called_for", "quality"]
        lines = (writer.writerow(cells) for cells in _cells(header, rows))
        name = f"heat-{self.contract.number}-{month_on:%Y-%m}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)


class _Echo:
    """A file that hands back what is written to it, so that rows stream."""

    def write(self, text: str) -> str:
        """The text itself."""
        return text


def _cells(header: list[str], rows: list[intervals.HeatRow]) -> Iterator[list[Any]]:
    yield header
    for row in rows:
        yield [
            row.start.isoformat(), row.heat_kwh, row.volume_m3, row.supply_mean_c, row.return_vw_c, row.demand,
            Quality(row.quality).name.lower(),
        ]  # fmt: skip
