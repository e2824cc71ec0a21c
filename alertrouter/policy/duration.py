"""Durations as Prometheus writes them: `1h30m`, `45s`, `2w`."""
