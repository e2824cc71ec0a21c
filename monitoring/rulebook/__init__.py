"""The alerting rules as one source for each area: read, joined with the overrides, written as Prometheus reads them.

`python -m rulebook` writes monitoring/prometheus/rules/, its unit tests, and what docs/ says of each alert.
"""
