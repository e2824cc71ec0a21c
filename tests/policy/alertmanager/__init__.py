"""Tests of the import of Alertmanager's configuration."""
