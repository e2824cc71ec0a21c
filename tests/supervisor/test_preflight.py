"""What `up` looks at before it starts anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from alertrouter.errors import PolicyError
from alertrouter.settings import from_environment
from alertrouter.supervisor.preflight import look


def test_a_fault_of_the_policy_is_named_with_the_path_of_its_file(tmp_path: Path) -> None:
    """As `check` does: what stands there can be opened by a click."""
    (tmp_path / "policy.yml").write_text("route: {receiver: nobody}\n", encoding="utf-8")

    with pytest.raises(PolicyError, match="nobody") as refused:
        look(from_environment({"ALERTROUTER_POLICY": str(tmp_path)}))

    assert str(refused.value).startswith(f"{tmp_path / 'policy.yml'}:1:")
