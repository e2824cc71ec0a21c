"""YAML files → Policy, or every fault at its place."""

from __future__ import annotations

from collections.abc import Mapping

from alertrouter.policy.policy import Policy


def load(files: Mapping[str, str]) -> Policy:
    """Check and build the policy of these texts (file name → YAML). Pure: reads no file. Raises `PolicyError`."""
    raise NotImplementedError


def revision(files: Mapping[str, str]) -> str:
    """The content hash that names a policy: the same texts, the same name, on any machine."""
    raise NotImplementedError
