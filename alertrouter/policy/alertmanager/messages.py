"""The texts of messages → template files: one file for each kind of text, with a branch for each integration."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final

from alertrouter.policy.alertmanager.gotree import GoTemplateError, Node
from alertrouter.policy.alertmanager.integration import Text
from alertrouter.policy.alertmanager.notes import Report
from alertrouter.policy.alertmanager.translation import definitions_of, translate
from alertrouter.policy.reading.faults import Place, masked

DIRECTORY: Final = "templates"
"""Where the templates stand beside the policy; ALERTROUTER_TEMPLATES names it."""

_CHANGES: Final = (".Status", ".Alerts", "subject")


def definitions(files: Mapping[str, str], place: Place | None, report: Report) -> Mapping[str, tuple[Node, ...]]:
    """All that template files define; a file that can't be read is said."""
    found: dict[str, tuple[Node, ...]] = {}
    for name, text in files.items():
        try:
            found.update(definitions_of(text))
        except GoTemplateError as error:
            report.note(
                place or Place("", 0, 0),
                "templates",
                f"{name} is left out: {error}",
                why="its texts can't be translated without it",
                todo="write them as templates (docs/templates.md)",
            )
    return found


def written(
    texts: tuple[Text, ...], defined: Mapping[str, tuple[Node, ...]], file: str, report: Report
) -> Mapping[str, str]:
    """The template files, by their path in the policy's directory."""
    files: dict[str, str] = {}
    for target in dict.fromkeys(text.target for text in texts):
        lines = [f"{{# Made from {file} by `alertrouter import`: each branch is one integration, by its name. #}}"]
        branches = 0
        own = [text for text in texts if text.target == target]
        for destination in dict.fromkeys(text.destination for text in own):
            made: list[str] = []
            for text in (one for one in own if one.destination == destination):
                jinja = _jinja(text, defined, report)
                if jinja is None:
                    lines += _kept(text)
                else:
                    made.append(f"{{%+ filter line +%}}{jinja}{{%+ endfilter +%}}" if text.row else jinja)
            if made:
                word = "elif" if branches else "if"
                branches += 1
                lines += [f"{{% {word} notice.destination == {json.dumps(destination)} %}}", *made]
        if branches:
            lines += ["{% else %}", f'{{% include "builtin/{target}" %}}', "{% endif %}"]
        else:
            lines += [f'{{% include "builtin/{target}" %}}']
        files[f"{DIRECTORY}/{target}"] = "\n".join(lines) + "\n"
    return files


def _jinja(text: Text, defined: Mapping[str, tuple[Node, ...]], report: Report) -> str | None:
    try:
        made = translate(text.source, defined)
    except GoTemplateError as error:
        report.note(
            text.place,
            text.key,
            f"the text is kept, as a comment in {DIRECTORY}/{text.target}, and not used: {error}",
            why="it can't be translated, "
            + ("those beside it are used" if text.row else "the built-in text takes its place"),
            todo="write it as a template (docs/templates.md)",
        )
        return None
    if text.target == "email/subject.j2" and any(word in text.source for word in _CHANGES):
        report.note(
            text.place,
            text.key,
            "the subject may change while the incident lives",
            why="mail programs show a thread by its subject, and every change begins another",
            todo=f"leave out the status and the number of alerts in {DIRECTORY}/{text.target}",
        )
    return made


def _kept(text: Text) -> Iterator[str]:
    yield f"{{# {text.destination}, not translated (line {text.place.line}):"
    yield masked(text.source).replace("#}", "# }")
    yield "#}"
