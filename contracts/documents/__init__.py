"""PDFs of invoices and credit notes: the same facts give the same bytes."""
