"""`alertrouter schema`: the policy's grammar as JSON Schema, for editors."""

from __future__ import annotations

import json

import typer

from alertrouter.cli.app import app


@app.command()
def schema() -> None:
    """Print the JSON Schema of policy files, by which editors complete keys and underline unknown ones."""
    from alertrouter.policy.schema import schema as made

    typer.echo(json.dumps(made(), indent=2, ensure_ascii=False))
