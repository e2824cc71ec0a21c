"""Receivers as the policy will have them, and the lines that they are in `receivers.yml`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from alertrouter.policy.alertmanager.yamlwriter import comment, scalar


@dataclass(frozen=True, slots=True)
class Part:
    """One integration as the policy will have it: its options, written, and the comments before it."""

    channel: str
    options: tuple[tuple[str, str], ...] = ()
    comments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiverDraft:
    """One receiver as the policy will have it."""

    name: str
    line: int
    parts: tuple[Part, ...] = ()
    comments: tuple[str, ...] = ()


def written(drafts: tuple[ReceiverDraft, ...]) -> Iterator[str]:
    """The lines of all receivers. One that reaches nobody in the file reaches nobody here."""
    for draft in drafts:
        for said in draft.comments:
            yield from comment(said, 2)
        if not draft.parts:
            yield f"  {scalar(draft.name)}: {{}} # line {draft.line}: tells nobody"
        else:
            yield f"  {scalar(draft.name)}: # line {draft.line}"
            yield from _parts(draft)


def _parts(draft: ReceiverDraft) -> Iterator[str]:
    channels = dict.fromkeys(part.channel for part in draft.parts)
    for channel in channels:
        parts = [part for part in draft.parts if part.channel == channel]
        if channel == "inbox":
            for said in dict.fromkeys(said for part in parts for said in part.comments):
                yield from comment(said, 4)
            yield "    inbox: {}"
        elif len(parts) == 1:
            for said in parts[0].comments:
                yield from comment(said, 4)
            yield f"    {channel}:"
            yield from (f"      {key}: {value}" for key, value in parts[0].options)
        else:
            yield f"    {channel}:"
            for part in parts:
                for said in part.comments:
                    yield from comment(said, 6)
                first, *rest = part.options
                yield f"      - {first[0]}: {first[1]}"
                yield from (f"        {key}: {value}" for key, value in rest)
