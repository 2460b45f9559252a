"""What every test of pages does: log somebody in, and read what came back."""

from typing import Any

from django.test import Client


def client_of(user: Any) -> Client:
    """A browser in which the person is logged in."""
    client = Client()
    client.force_login(user)
    return client


def body(response: Any) -> str:
    """The text of a response, streamed or not; bytes that are no text stand as question marks."""
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return str(content.decode(errors="replace"))
