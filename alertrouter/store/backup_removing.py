"""Taking out of the state what can't be read, once a backup holds it: each entry only as the backup has it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import redis

from alertrouter.store.backup_reading import Place
from alertrouter.store.keys import Keys
from alertrouter.store.scripts import Script

SCRIPT: Final = "backup_remove"


def remove(client: redis.Redis, keys: Keys, places: Iterable[Place]) -> int:
    """Remove them, and give how many were there still as they were read.

    A router that runs doesn't know them: it could not read them either.
    """
    script = Script(client, SCRIPT)
    done = (script([f"{keys.namespace}:{one.key}"], [one.kind, *one.entry]) for one in places)
    return sum(bool(removed) for removed in done)
