"""Field languages, one module each; all of them only read."""
