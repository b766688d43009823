"""A launched node for scenarios, in a ROS of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2, or its wheels (docs/installation.md)")

if TYPE_CHECKING:
    from stage import Stage


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One for all scenarios of a module, in the rooms."""
    from rooms import world
    from stage import staged

    with staged(world().landmarks, tmp_path_factory.mktemp("scenarios") / "node.log") as stage:
        yield stage
