"""alertrouter measured beside Alertmanager: `python -m bench`. What it measures, and how to read it: README.md."""
