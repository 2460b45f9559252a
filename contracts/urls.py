"""Routes of offtakers, contracts, billing and the offtaker's own pages."""

from django.urls import path

from contracts.views import billing, contracts, credit_notes, my_heat, parties, service, substitutions, true_ups

app_name = "contracts"
urlpatterns = [
    path("contracts/", contracts.ContractList.as_view(), name="contract_list"),
    path("contracts/add/", contracts.ContractCreate.as_view(), name="contract_create"),
    path("contracts/<int:pk>/", contracts.ContractDetail.as_view(), name="contract_detail"),
    path("contracts/<int:pk>/change/", contracts.ContractUpdate.as_view(), name="contract_update"),
    path("contracts/<int:pk>/activate/", contracts.ContractActivate.as_view(), name="contract_activate"),
    path("contracts/<int:pk>/end/", contracts.ContractEnd.as_view(), name="contract_end"),
    path("contracts/<int:contract>/prices/add/", contracts.PriceTermsCreate.as_view(), name="priceterms_create"),
    path("contracts/<int:contract>/promises/add/", contracts.SlaTermsCreate.as_view(), name="slaterms_create"),
    path("contracts/<int:pk>/service/<int:year>/<int:month>/", service.SlaMonth.as_view(), name="sla_month"),
    path("contracts/offtakers/", parties.OfftakerList.as_view(), name="offtaker_list"),
    path("contracts/offtakers/add/", parties.OfftakerCreate.as_view(), name="offtaker_create"),
    path("contracts/offtakers/<int:pk>/", parties.OfftakerDetail.as_view(), name="offtaker_detail"),
    path("contracts/offtakers/<int:pk>/change/", parties.OfftakerUpdate.as_view(), name="offtaker_update"),
    path("contracts/offtakers/<int:offtaker>/contacts/add/", parties.ContactCreate.as_view(), name="contact_create"),
    path(
        "contracts/offtakers/<int:offtaker>/replaces/add/",
        parties.CounterfactualCreate.as_view(),
        name="counterfactual_create",
    ),
    path("contracts/sellers/", parties.LegalEntityList.as_view(), name="legalentity_list"),
    path("contracts/sellers/add/", parties.LegalEntityCreate.as_view(), name="legalentity_create"),
    path("contracts/sellers/<int:pk>/", parties.LegalEntityDetail.as_view(), name="legalentity_detail"),
    path("contracts/sellers/<int:pk>/change/", parties.LegalEntityUpdate.as_view(), name="legalentity_update"),
    path("billing/", billing.BillingHome.as_view(), name="billing_home"),
    path("billing/<int:year>/<int:month>/", billing.BillingMonth.as_view(), name="billing_month"),
    path("billing/<int:year>/<int:month>/run/", billing.BillingRunStart.as_view(), name="billing_run"),
    path("billing/<int:year>/<int:month>/issue/", billing.BillingIssue.as_view(), name="billing_issue"),
    path(
        "billing/<int:pk>/<int:year>/<int:month>/substitute/<slug:code>/",
        substitutions.SubstitutionApprove.as_view(),
        name="substitution_approve",
    ),
    path(
        "billing/substitutions/<int:pk>/revoke/", substitutions.SubstitutionRevoke.as_view(), name="substitution_revoke"
    ),
    path("billing/invoices/", billing.InvoiceList.as_view(), name="invoice_list"),
    path("billing/invoices/<int:pk>/", billing.InvoiceDetail.as_view(), name="invoice_detail"),
    path("billing/invoices/<int:pk>/pdf/", billing.InvoicePdf.as_view(), name="invoice_pdf"),
    path("billing/invoices/<int:pk>/review/", billing.InvoiceReview.as_view(), name="invoice_review"),
    path("billing/invoices/<int:pk>/redraft/", billing.InvoiceRedraft.as_view(), name="invoice_redraft"),
    path("billing/invoices/<int:pk>/issue/", billing.InvoiceIssue.as_view(), name="invoice_issue"),
    path("billing/invoices/<int:pk>/credit/", credit_notes.CreditPropose.as_view(), name="credit_propose"),
    path("billing/credits/", credit_notes.CreditNoteList.as_view(), name="creditnote_list"),
    path("billing/credits/<int:pk>/", credit_notes.CreditNoteDetail.as_view(), name="creditnote_detail"),
    path("billing/credits/<int:pk>/pdf/", credit_notes.CreditPdf.as_view(), name="creditnote_pdf"),
    path("billing/credits/<int:pk>/approve/", credit_notes.CreditApprove.as_view(), name="creditnote_approve"),
    path("billing/credits/<int:pk>/refuse/", credit_notes.CreditRefuse.as_view(), name="creditnote_refuse"),
    path("billing/true-ups/", true_ups.TrueUpList.as_view(), name="trueup_list"),
    path("billing/true-ups/<int:pk>/", true_ups.TrueUpDetail.as_view(), name="trueup_detail"),
    path("billing/true-ups/<int:pk>/propose/", true_ups.TrueUpPropose.as_view(), name="trueup_propose"),
    path("billing/true-ups/<int:pk>/waive/", true_ups.TrueUpWaive.as_view(), name="trueup_waive"),
    path("billing/true-ups/<int:pk>/approve/", true_ups.TrueUpApprove.as_view(), name="trueup_approve"),
    path("billing/true-ups/<int:pk>/send-back/", true_ups.TrueUpSendBack.as_view(), name="trueup_send_back"),
    path("my/", my_heat.MyHeat.as_view(), name="my_heat"),
    path("my/service/", my_heat.MyService.as_view(), name="my_service"),
    path("my/invoices/", my_heat.MyInvoices.as_view(), name="my_invoices"),
    path("my/savings/", my_heat.MySavings.as_view(), name="my_savings"),
    path("my/works/", my_heat.MyWorks.as_view(), name="my_works"),
    path("my/fault/", my_heat.MyFault.as_view(), name="my_fault"),
    path("my/intervals.csv", my_heat.MyIntervals.as_view(), name="my_intervals"),
]
