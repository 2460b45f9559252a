"""Telling the offtaker's people that a document was issued.

The notice is written in the transaction that issues the document, so that neither is there without the other, and sent
afterwards by a task: nobody waits for a mail server with a lock in hand. Whoever sends claims the notice first; one
that dies before it could say so is sent again, under the same message id, which mail programs take for the same mail.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from contracts.documents import wording
from contracts.models import Contact, CreditNote, DocumentNotice, Invoice

CLAIMED_FOR: Final = timedelta(minutes=10)
MOST_ATTEMPTS: Final = 8


@transaction.atomic
def announce_invoice(*, invoice: Invoice, now: datetime) -> int:
    """The count of notices written of an invoice that is being issued."""
    return _write([DocumentNotice(invoice=invoice, address=address) for address in _addresses(invoice)], now)


@transaction.atomic
def announce_credit(*, credit: CreditNote, now: datetime) -> int:
    """The count of notices written of a credit note that is being issued."""
    invoice = credit.invoice
    rows = [DocumentNotice(invoice=invoice, credit_note=credit, address=address) for address in _addresses(invoice)]
    return _write(rows, now)


def _write(rows: list[DocumentNotice], now: datetime) -> int:
    if not settings.BILLING_NOTICES:
        return 0
    for row in rows:
        row.created_at = now
    return len(DocumentNotice.objects.bulk_create(rows))


def _addresses(invoice: Invoice) -> list[str]:
    """Where bills of the offtaker go: the address for bills, and those whom we ask about money."""
    offtaker = invoice.contract.offtaker
    contacts = Contact.objects.filter(offtaker=offtaker, role=Contact.Role.FINANCE).exclude(email="")
    found = [offtaker.billing_email, *contacts.order_by("pk").values_list("email", flat=True)]
    return list({address.lower(): address for address in found if address}.values())


def send_waiting(*, clock: Callable[[], datetime]) -> int:
    """The count of notices that were sent."""
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lt=clock())
    waiting = DocumentNotice.objects.filter(free, sent_at__isnull=True, attempt_count__lt=MOST_ATTEMPTS)
    return sum(_send(key, clock) for key in list(waiting.order_by("created_at").values_list("pk", flat=True)))


def _send(key: int, clock: Callable[[], datetime]) -> bool:
    """Whether the notice was sent by us, and not by another worker or later again."""
    now = clock()
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lt=now)
    rows = DocumentNotice.objects.filter(free, pk=key, sent_at__isnull=True)
    if rows.update(claimed_until=now + CLAIMED_FOR, attempt_count=F("attempt_count") + 1) != 1:
        return False
    notice = DocumentNotice.objects.select_related("invoice__contract__offtaker", "credit_note").get(pk=key)
    try:
        _mail(notice).send()
    except OSError as failed:  # what a mail server answers is one of these too
        DocumentNotice.objects.filter(pk=key).update(error=str(failed)[:300])
        return False
    DocumentNotice.objects.filter(pk=key).update(sent_at=clock(), error="", claimed_until=None)
    return True


def _mail(notice: DocumentNotice) -> EmailMessage:
    """The e-mail, in the language of the offtaker's bills, with the document."""
    document = notice.credit_note or notice.invoice
    with override(notice.invoice.contract.offtaker.language):
        subject, sentences = _words(notice)
        paragraphs = [*sentences, *_where(document), str(notice.invoice.facts["seller"]["name"])]
    headers = {"Message-ID": f"<notice-{notice.pk}.{document.number}@heatledger>"}
    mail = EmailMessage(subject, "\n\n".join(paragraphs) + "\n", None, [notice.address], headers=headers)
    pdf = notice.credit_note.pdf if notice.credit_note else notice.invoice.document.pdf
    mail.attach(f"{document.number}.pdf", bytes(pdf or b""), "application/pdf")
    return mail


def _words(notice: DocumentNotice) -> tuple[str, list[str]]:
    """The subject, and what is new in a few sentences."""
    invoice, credit = notice.invoice, notice.credit_note
    document = credit or invoice
    facts: dict[str, Any] = {
        "number": document.number,
        "seller": invoice.facts["seller"]["name"],
        "period": wording.days(invoice.starts_on, invoice.ends_on),
        "place": invoice.facts["contract"]["delivery_point"],
        "amount": wording.money(document.gross_amount, document.currency),
        "due": wording.day(invoice.due_on) if invoice.due_on else "",
        "invoice": invoice.number,
    }
    if credit is not None:
        subject = _("Credit note %(number)s of %(seller)s") % facts
        first = _("You receive credit note %(number)s on invoice %(invoice)s (%(period)s, %(place)s): %(amount)s.")
        return subject, [first % facts, _("Reason: %(reason)s") % {"reason": credit.reason}]
    subject = _("Invoice %(number)s of %(seller)s") % facts
    first = _("Your invoice %(number)s for heat at %(place)s, %(period)s, comes to %(amount)s, due on %(due)s.") % facts
    return subject, [first, *wording.replaced(invoice)]


def _where(document: Invoice | CreditNote) -> list[str]:
    """Where the document and what it rests on can be seen."""
    path = reverse(f"contracts:{document._meta.model_name}_detail", args=[document.pk])
    base = settings.PUBLIC_URL.rstrip("/")
    if not base:
        return [_("The document is attached. The portal explains each line.")]
    return [_("The document is attached. Each line is explained at %(url)s") % {"url": f"{base}{path}"}]


def recent_days() -> timedelta:
    """How long an issued document is news."""
    return timedelta(days=settings.BILLING_NEWS_DAYS)


def is_news(issued_on: date, today: date) -> bool:
    """Whether a document of that day is still news."""
    return today - issued_on < recent_days()
