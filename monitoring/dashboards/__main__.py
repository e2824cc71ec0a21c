"""`python -m dashboards`: write the dashboards anew."""

from dashboards.files import write

for path in write():
    print(f"wrote {path}")  # noqa: T201  a command speaks
