"""The format of the state: a number that stands beside it, so that no version reads or writes what it doesn't know.

It covers all that is packed: records, journal entries, ledger rows, streams. A change that this version's readers can't
read raises `FORMAT`, and brings a conversion that the router does when it loads (`StateStore.load`), if one is needed,
and a backup of the format before it, for `tests/store/formats/`. What an older reader can take as it is, as a new field
with a default, raises nothing.
"""

from __future__ import annotations

from typing import Final

import redis

from alertrouter import __version__
from alertrouter.errors import NewerState
from alertrouter.store.connection import border
from alertrouter.store.keys import Keys

FORMAT: Final = 3
"""What this version writes. It reads all from 1.

1: also what was written before there was a stamp. 2: large entries of `records` are compressed. 3: `records` tell of
silences; the first commit of this format records those that it finds.
"""


def stamp() -> str:
    """What stands beside the state: the format, and the version that brought it there."""
    return f"{FORMAT} {__version__}"


def outdated(found: bytes | None) -> bool:
    """Tell whether a state that this version can read carries the stamp of an earlier format, or none."""
    number = (found or b"").partition(b" ")[0]
    return not number or int(number) < FORMAT


def check(client: redis.Redis, keys: Keys) -> None:
    """Raise `NewerState` when a later version has written the state in a format that this one doesn't know."""
    with border():
        found = client.get(keys.format)
    if isinstance(found, bytes):
        refuse_newer(found)


def refuse_newer(found: bytes) -> None:
    """Raise `NewerState` when this stamp is of a later format."""
    if trouble := newer(found):
        raise NewerState(trouble)


def newer(found: bytes | None) -> str:
    """Why a state with this stamp can't be used; "" when it can, as one without a stamp."""
    number, _, version = (found or b"").decode(errors="replace").partition(" ")
    if not number or (number.isdecimal() and int(number) <= FORMAT):
        return ""
    return (
        f"the state has format {number}, written by alertrouter {version or 'of a later version'}; this is alertrouter "
        f"{__version__}, which knows formats up to {FORMAT}. Nothing was changed: start that version again, "
        "or restore a backup of this one's"
    )
