"""What several tests share."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

PATIENCE = 100.0  # seconds; only a hang takes so long, however busy the machine


class RosWorld:
    """A ROS graph of this test alone: nodes of the test's own, spun by `until`."""

    def __init__(self, rclpy: Any) -> None:
        self._executor = rclpy.executors.SingleThreadedExecutor()
        self._rclpy = rclpy

    def add(self, node: Any) -> Any:
        self._executor.add_node(node)
        return node

    def node(self, name: str = "tester") -> Any:
        return self.add(self._rclpy.create_node(name))

    def until(self, condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
        """Spin until `condition` holds, and give what it gave; fail when it never does."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._executor.spin_once(timeout_sec=0.05)
            if result := condition():
                return result
        pytest.fail(f"waited {seconds} s in vain")

    def spin(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._executor.spin_once(timeout_sec=0.02)

    def close(self) -> None:
        nodes = self._executor.get_nodes()
        self._executor.shutdown()
        for node in nodes:
            getattr(node, "close", lambda: None)()
            node.destroy_node()


@pytest.fixture(autouse=True, scope="session")
def everything_is_prepared_anew() -> Iterator[None]:
    """No test finds what another one, or the user's own start, has prepared."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BPNP_ROS_CACHE", "")
        yield


@pytest.fixture(autouse=True)
def our_logs_reach_the_tests() -> None:
    """ROS's launch, once imported, keeps the loggers made after it to themselves."""
    for name, logger in logging.root.manager.loggerDict.items():
        if name.startswith("bpnp_ros") and isinstance(logger, logging.Logger):
            logger.propagate = True


@pytest.fixture
def ros_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else's ROS hears this test, nor does it hear anybody."""
    monkeypatch.setenv("ROS_DOMAIN_ID", str(1 + os.getpid() % 100))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")


@pytest.fixture
def ros(ros_domain: None) -> Iterator[RosWorld]:
    rclpy = pytest.importorskip("rclpy", reason="needs ROS 2, or its wheels")
    pytest.importorskip("rclpy.executors")
    rclpy.init()
    world = RosWorld(rclpy)
    yield world
    world.close()
    rclpy.shutdown()
