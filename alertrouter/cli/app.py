"""The command line's root: every command registers here, and every error becomes an exit code here.

Exit codes: 0 all right, 1 the policy is wrong or the run failed, 2 wrong usage or a wrong setting, 3 an expectation
was not met.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from alertrouter import __version__
from alertrouter.errors import AlertrouterError, SettingsError


class Exit(IntEnum):
    """What a command's exit code says."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNMET = 3


class Commands(TyperGroup):
    """All commands; what alertrouter raises on purpose is told in its own words, without a traceback."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - as typer's own, whose type of `ctx` is private
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix("Value error, ")  # pydantic's words, which typer reads values by
            raise
        except SettingsError as error:
            typer.echo(f"alertrouter: {error}", err=True)
            raise typer.Exit(Exit.USAGE) from None
        except AlertrouterError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(Exit.FAILED) from None


app = typer.Typer(
    cls=Commands,
    name="alertrouter",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"alertrouter {__version__}")
        raise typer.Exit


@app.callback()
def alertrouter(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Route alerts: policies in YAML decide who must know and when; Slack, PagerDuty and email get the message.

    Settings are environment variables (docs/settings.md).
    """
