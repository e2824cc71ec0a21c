"""What `up` looks at before it starts anything, in a process of its own: what that loads is gone when all runs."""

from __future__ import annotations

import sys
import time
from typing import Final

from alertrouter import policydir
from alertrouter.errors import AlertrouterError, StoreUnavailable
from alertrouter.settings import Settings, from_environment
from alertrouter.store.connection import border, connect, without_password
from alertrouter.supervisor.banner import banner

REDIS_WITHIN: Final = 10.0
LOOK_EVERY: Final = 0.1


def look(settings: Settings) -> str:
    """Check the policy, and the Redis that is named; give what there is to say when all of it runs."""
    directory = policydir.find(settings)
    words = banner(settings, policydir.checked(directory, policydir.read(directory)))
    if settings.redis_url:
        _until_redis_answers(settings.redis_url)
    return words


def _until_redis_answers(url: str) -> None:
    deadline = time.monotonic() + REDIS_WITHIN
    client = connect(url)
    while True:
        try:
            with border():
                client.ping()
                return
        except StoreUnavailable as error:
            if time.monotonic() > deadline:
                raise StoreUnavailable(f"{without_password(url)}: {error}") from error
        time.sleep(LOOK_EVERY)


def main() -> int:
    """Print it, or on stderr what is wrong."""
    try:
        sys.stdout.write(look(from_environment()))
    except AlertrouterError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
