"""Grafana's dashboards as code. `python -m dashboards` writes monitoring/grafana/dashboards/."""
