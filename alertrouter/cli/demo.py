"""The command that shows what alertrouter does."""

from __future__ import annotations

from typing import Annotated

import typer

from alertrouter.cli.app import app
from alertrouter.settings import from_environment


@app.command()
def demo(
    url: Annotated[
        str, typer.Option(metavar="URL", help="The running alertrouter; default: by ALERTROUTER_LISTEN.")
    ] = "",
    wait: Annotated[bool, typer.Option(help="Stay until the end of the alerts was told too, about a minute.")] = True,
) -> None:
    """Send a running alertrouter a short story of alerts and show what came of each."""
    from alertrouter.demo import run

    settings = from_environment()
    run(settings, (url or settings.local_url).rstrip("/"), wait=wait)
