"""The secrets that sign links, and links as a worker makes them."""

from __future__ import annotations

from typing import Final

from alertrouter.links import Links
from alertrouter.settings import from_environment

SECRET: Final = "a-secret-that-signs-links"
EMAIL: Final = "lena@example.org"


def links(secrets: str = SECRET, **others: str) -> Links:
    """The maker of links, as a worker has it."""
    return Links(from_environment({"ALERTROUTER_LINK_SECRET": secrets, **others}))
