"""`python -m rulebook`: write the rules, their unit tests and the alerts' facts anew."""

import sys

from rulebook.files import stale, write
from rulebook.source import SourceError


def main() -> int:
    """Write what is out of date, and say which files those were."""
    try:
        changed = stale()
    except SourceError as error:
        print(error, file=sys.stderr)  # noqa: T201  a command speaks
        return 1
    write(changed)
    for path in sorted(changed):
        print(f"wrote {path}")  # noqa: T201  a command speaks
    return 0


sys.exit(main())
