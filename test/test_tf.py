"""TF over ROS: heard, looked up, waited for, broadcast, and second parents found out."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2, or its wheels (docs/installation.md)")

from rclpy.qos import DurabilityPolicy, QoSProfile
from tf2_msgs.msg import TFMessage

from bpnp_ros.nodes.messages import header, transform_message
from bpnp_ros.nodes.tf import OwnStore, Tf2Store, Transforms
from bpnp_ros.runtime.conversions import read_transform
from bpnp_ros.runtime.tf_buffer import NEWEST, NoTransformError

if TYPE_CHECKING:
    from conftest import RosWorld

SECOND = 1_000_000_000
LATCHED = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def shifted(x: float) -> np.ndarray:
    T = np.eye(4)
    T[0, 3] = x
    return T


def edge(parent: str, child: str, stamp: int, x: float) -> TFMessage:
    return TFMessage(transforms=[transform_message(header(stamp, parent), child, shifted(x))])


def a_store(kind: type) -> Any:
    if kind is Tf2Store:
        pytest.importorskip("tf2_ros", reason="needs tf2_ros, which is no wheel")
    return kind()


@pytest.fixture(params=[OwnStore, Tf2Store])
def robot(ros: RosWorld, request: pytest.FixtureRequest) -> Any:
    """Transforms of a node, and publishers of the rest of the robot."""
    node, others = ros.node("listener"), ros.node("robot")
    transforms = Transforms(node, a_store(request.param))
    moving = others.create_publisher(TFMessage, "/tf", 100)
    fixed = others.create_publisher(TFMessage, "/tf_static", LATCHED)
    ros.until(lambda: moving.get_subscription_count() and fixed.get_subscription_count())
    fixed.publish(edge("base", "camera", 0, 0.5))
    moving.publish(edge("odom", "base", 1 * SECOND, 1.0))
    moving.publish(edge("odom", "base", 2 * SECOND, 2.0))
    ros.until(lambda: known(transforms, 2 * SECOND))
    yield transforms, moving
    transforms.close()


def known(transforms: Transforms, stamp: int) -> bool:
    try:
        transforms.lookup("odom", "camera", stamp)
    except NoTransformError:
        return False
    return True


def test_a_camera_on_a_moving_base_is_found_at_the_stamp_of_its_image(robot: Any) -> None:
    transforms, _ = robot
    assert np.allclose(transforms.lookup("odom", "camera", int(1.5 * SECOND)), shifted(2.0))


def test_a_frame_is_where_it_is_without_any_tf(robot: Any) -> None:
    assert np.array_equal(robot[0].lookup("ghost", "ghost", NEWEST), np.eye(4))


def test_tf_that_is_on_its_way_is_waited_for(robot: Any, ros: RosWorld) -> None:
    transforms, moving = robot
    found: list[np.ndarray] = []
    waiting = threading.Thread(
        target=lambda: found.append(transforms.lookup("odom", "camera", 3 * SECOND, patience=10))
    )
    waiting.start()
    moving.publish(edge("odom", "base", 3 * SECOND, 3.0))
    ros.until(lambda: found)
    waiting.join()
    assert np.allclose(found[0], shifted(3.5))


def test_waiting_ends(robot: Any) -> None:
    start = time.monotonic()
    with pytest.raises(NoTransformError, match="'odom'"):
        robot[0].lookup("odom", "camera", 9 * SECOND, patience=0.2)
    assert 0.1 < time.monotonic() - start < 5


def test_a_second_parent_is_found_out(robot: Any) -> None:
    transforms, _ = robot
    assert transforms.other_parent("camera", "map") == "base"
    assert transforms.other_parent("base", "odom") is None
    assert transforms.other_parent("odom", "map") is None


def test_a_broadcast_is_heard_on_tf_with_its_own_stamp(robot: Any, ros: RosWorld) -> None:
    heard: list[TFMessage] = []
    ros.node("hearer").create_subscription(TFMessage, "/tf", heard.append, 10)

    def broadcast() -> bool:
        robot[0].broadcast(7 * SECOND + 5, "map", "odom", shifted(5_000_000.001))
        return any(m.transforms[0].child_frame_id == "odom" for m in heard)

    ros.until(broadcast)
    transform = next(t for m in heard for t in m.transforms if t.child_frame_id == "odom")
    assert (transform.header.stamp.sec, transform.header.stamp.nanosec) == (7, 5)
    assert read_transform(transform.transform)[0, 3] == 5_000_000.001


def test_after_a_jump_back_only_static_tf_is_known(robot: Any) -> None:
    transforms, _ = robot
    transforms.clear()
    assert np.allclose(transforms.lookup("base", "camera", NEWEST), shifted(0.5))
    assert not known(transforms, 2 * SECOND)
    assert transforms.other_parent("base", "map") is None
