"""Options that several commands take, and what is made of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import msgspec
    from _typeshed import DataclassInstance

    from alertrouter.policy.policy import Policy
    from alertrouter.settings import Settings


class Output(StrEnum):
    """How a command prints: for people, or as JSON and nothing else on stdout."""

    TEXT = "text"
    JSON = "json"


OutputOption = Annotated[Output, typer.Option("--output", "-o", help="text for people, or json.")]
PolicyOption = Annotated[
    Path | None,
    typer.Option(
        "--policy",
        metavar="DIR",
        help="The policy's directory. Default: ALERTROUTER_POLICY, else ./policies, else the built-in one.",
        show_default=False,
    ),
]
TemplatesOption = Annotated[
    Path | None,
    typer.Option(
        "--templates",
        metavar="DIR",
        help="Templates that take the place of the built-in ones. Default: ALERTROUTER_TEMPLATES.",
        show_default=False,
    ),
]
UrlOption = Annotated[
    str,
    typer.Option(metavar="URL", help="The running alertrouter. Default: by ALERTROUTER_LISTEN.", show_default=False),
]


@dataclass(frozen=True, slots=True)
class Opened:
    """A policy, and the directory that it was read from."""

    directory: Path
    files: tuple[str, ...]
    policy: Policy

    def place(self, file: str, line: int) -> str:
        """Where something stands, as an editor understands it."""
        return f"{self.directory / file}:{line}"


def open_policy(settings: Settings, asked_for: Path | None) -> Opened:
    """Read and check the policy to use. Raises `PolicyError`, its problems with the path of each file."""
    from alertrouter import policydir

    directory = policydir.find(settings, asked_for)
    files = policydir.read(directory)
    return Opened(directory, tuple(files), policydir.checked(directory, files))


def print_json(value: msgspec.Struct | DataclassInstance) -> None:
    """Print a value as one line of JSON on stdout."""
    import msgspec

    typer.echo(msgspec.json.encode(value).decode())
