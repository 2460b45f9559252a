"""The physics of a micro data centre that sells its heat: pure Python, no Django, no clock."""
