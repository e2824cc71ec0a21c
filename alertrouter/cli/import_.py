"""`alertrouter import`: an `alertmanager.yml` → a policy directory that behaves the same."""

from __future__ import annotations

import glob
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from alertrouter.cli.app import Exit, app
from alertrouter.cli.import_directory import SetAside, refuse_what_is_there, write
from alertrouter.cli.import_environment import ENVIRONMENT, environment, given, refuse_other_secrets, write_secrets
from alertrouter.cli.options import Output, print_json
from alertrouter.errors import PayloadError, PolicyError
from alertrouter.settings import from_environment

if TYPE_CHECKING:
    from alertrouter.policy.alertmanager.conversion import Conversion
    from alertrouter.policy.alertmanager.notes import Note
    from alertrouter.policy.policy import Policy
    from alertrouter.simulate.agreement import Agreement

_MOST_TEMPLATES: Final = 100
_MOST_BYTES: Final = 4 * 1024 * 1024

File = Annotated[Path, typer.Argument(metavar="FILE", help="The alertmanager.yml; - is stdin.")]
Into = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Where to write the policy. Default: it is printed.", show_default=False),
]
Force = Annotated[bool, typer.Option("--force", help="Write over the files that are there.")]
Lenient = Annotated[bool, typer.Option("--lenient", help="Make the best of a file that Alertmanager would refuse.")]
SecretsFile = Annotated[
    Path | None,
    typer.Option(
        "--secrets",
        metavar="FILE",
        help="Write the secrets of the file there, as NAME=value, for its owner alone. Default: nowhere.",
        show_default=False,
    ),
]
Verify = Annotated[
    bool, typer.Option("--verify", help="Route generated label sets here and with amtool; exit 3 if any differs.")
]
Samples = Annotated[int, typer.Option(metavar="N", min=1, help="How many label sets --verify tries.")]
Seed = Annotated[int | None, typer.Option(metavar="N", help="Repeat a --verify. Default: another one each time.")]


class ProblemView(msgspec.Struct, frozen=True):
    """One fault of the file."""

    line: int
    column: int
    key: str
    message: str


class VariableView(msgspec.Struct, frozen=True):
    """A variable of the environment that the policy needs. `value` is null for a secret, and to be found by hand."""

    name: str
    value: str | None
    secret: bool
    line: int


class DisagreementView(msgspec.Struct, frozen=True):
    """A label set that goes elsewhere."""

    labels: Mapping[str, str]
    alertrouter: Sequence[str]
    amtool: Sequence[str]


class AgreementView(msgspec.Struct, frozen=True):
    """How the two trees compare."""

    seed: int
    tried: int
    agreed: int
    disagreements: Sequence[DisagreementView]


class ImportView(msgspec.Struct, frozen=True):
    """The whole answer of `import`."""

    usable: bool
    revision: str
    files: Mapping[str, str]
    problems: Sequence[ProblemView]
    notes: Sequence[Note]
    environment: Sequence[VariableView]
    verified: AgreementView | None
    set_aside: Sequence[SetAside]


@app.command("import")
def import_alertmanager(
    file: File,
    output: Into = None,
    force: Force = False,
    lenient: Lenient = False,
    secrets: SecretsFile = None,
    verify: Verify = False,
    samples: Samples = 2000,
    seed: Seed = None,
    form: Annotated[Output, typer.Option("-o", help="text for people, or json.")] = Output.TEXT,
) -> None:
    """Turn an alertmanager.yml (0.25 to 0.34) into a policy that behaves the same, and say what has no equivalent.

    Exit 1 when Alertmanager itself would refuse the file: --lenient makes the best of it.
    """
    settings = from_environment()
    content = _content(file)
    found = _converted(file, content)
    policy = _policy(found)
    usable = policy is not None and (lenient or not found.problems)
    files = {**found.files, **found.templates} if usable else {}
    aside = _written(found, files, output, secrets, force=force) if usable else ()
    seed = seed if seed is not None else random.SystemRandom().randrange(1_000_000_000)
    if form is Output.TEXT:
        from alertrouter.cli.import_text import show_import

        show_import(settings, file, found, files, policy, output, secrets, aside)
    agreement = _verify(policy, content, samples, seed) if policy and usable and verify else None
    if form is Output.JSON:
        print_json(_view(found, files, policy, agreement, seed, aside))
    elif agreement:
        from alertrouter.cli.import_text import show_agreement

        show_agreement(settings, agreement, seed)
    unmet = Exit.UNMET if agreement and agreement.disagreements else Exit.OK
    raise typer.Exit(unmet if usable else Exit.FAILED)


def _written(
    found: Conversion, files: Mapping[str, str], output: Path | None, secrets: Path | None, *, force: bool
) -> Sequence[SetAside]:
    """Write what was asked for, after a look at all that is there; give what was set aside."""
    if output and not force:
        refuse_what_is_there(output)
    if secrets and not force:
        refuse_other_secrets(secrets)
    aside = write(output, {**files, ENVIRONMENT: environment(found, output)}) if output else ()
    if secrets:
        write_secrets(secrets, found)
    return aside


def _content(file: Path) -> str:
    try:
        if str(file) == "-":
            return sys.stdin.read()
        if file.stat().st_size > _MOST_BYTES:
            raise PayloadError(f"{file}: larger than {_MOST_BYTES} bytes")
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise PayloadError(f"{file}: can't be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise PayloadError(f"{file}: can't be read: {error}") from None


def _converted(file: Path, content: str) -> Conversion:
    from alertrouter.policy.alertmanager.conversion import convert, template_globs

    name = file.name if str(file) != "-" else "alertmanager.yml"
    directory = (file.resolve().parent if str(file) != "-" else Path.cwd()).as_posix()
    return convert(name, content, _templates(file, template_globs(content)), directory=directory)


def _templates(file: Path, globs: Sequence[str]) -> Mapping[str, str]:
    """The texts of the template files, by their paths, as Alertmanager looks for them; one that isn't there is said."""
    found: dict[str, str] = {}
    for pattern in globs:
        # Not Path.glob: patterns are often absolute.
        paths = [Path(path) for path in sorted(glob.glob(str(file.parent / pattern)))]  # noqa: PTH207 -- as said
        if not paths:
            typer.echo(f"{file}: no template file is at {pattern}: its texts are not translated", err=True)
        if len(paths) > _MOST_TEMPLATES:
            typer.echo(f"{file}: of the files at {pattern} only the first {_MOST_TEMPLATES} are read", err=True)
        for path in paths[:_MOST_TEMPLATES]:
            found[str(path)] = _content(path)
    return found


def _policy(found: Conversion) -> Policy | None:
    """The policy that came of it; None when nothing did. Its own faults would be ours: they are raised."""
    from alertrouter.policy.load import load

    if not found.files:
        return None
    try:
        return load(found.files)
    except PolicyError as error:
        said = tuple(replace(one, message=f"{one.message} (in what was made of the file)") for one in error.problems)
        raise PolicyError((*found.problems, *said)) from None


def _verify(policy: Policy, content: str, number: int, seed: int) -> Agreement:
    from alertrouter.cli import amtool
    from alertrouter.policy.alertmanager.skeleton import skeleton
    from alertrouter.simulate.agreement import compare, samples

    program = amtool.find()
    chance = random.Random(seed)  # noqa: S311 -- repeatable by its seed, guards nothing
    tried = samples(policy, number, chance.randrange)
    return compare(policy, tried, amtool.routes(program, skeleton(content), tried))


def _view(
    found: Conversion,
    files: Mapping[str, str],
    policy: Policy | None,
    agreement: Agreement | None,
    seed: int,
    aside: Sequence[SetAside],
) -> ImportView:
    variables = [VariableView(name, value or None, False, 0) for name, value in sorted(found.variables.items())]
    variables += [VariableView(one.name, None, True, one.line) for one in found.secrets]
    variables += [VariableView(name, None, False, 0) for name in given(found)]
    return ImportView(
        usable=bool(files),
        revision=policy.revision if policy and files else "",
        files=files,
        problems=[ProblemView(one.line, one.column, one.key, one.message) for one in found.problems],
        notes=found.notes,
        environment=variables,
        verified=_agreement_view(agreement, seed) if agreement else None,
        set_aside=aside,
    )


def _agreement_view(agreement: Agreement, seed: int) -> AgreementView:
    differing = [DisagreementView(one.labels, one.ours, one.theirs) for one in agreement.disagreements]
    return AgreementView(seed, agreement.tried, agreement.agreed, differing)
