"""alertrouter: self-hosted alert routing and escalation."""

__version__ = "0.1.0"
