"""TFMessage is the real thing, whoever built it: ROS, or the small project in ros_wheels/."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from typing import Any

import pytest

rclpy = pytest.importorskip("rclpy", reason="needs ROS 2, or its wheels (docs/installation.md)")

from geometry_msgs.msg import TransformStamped
from tf2_msgs.msg import TFMessage

TYPE_HASH = "e369d0f05a23ae52508854b66f6aa0437f3449d652e8cbf22d5abe85d020f087"


def transforms() -> TFMessage:
    message = TFMessage()
    for child, x in (("odom", 1.25), ("camera", -3.5)):
        transform = TransformStamped(child_frame_id=child)
        transform.header.frame_id = "map"
        transform.header.stamp.sec = 7
        transform.transform.translation.x = x
        message.transforms.append(transform)
    return message


def send_transforms_until_ended() -> None:
    rclpy.init()
    publisher = rclpy.create_node("sender").create_publisher(TFMessage, "/tf", 10)
    while True:
        publisher.publish(transforms())
        time.sleep(0.05)


@pytest.fixture
def sender(ros_domain: None) -> Iterator[None]:
    process = multiprocessing.get_context("spawn").Process(
        target=send_transforms_until_ended, daemon=True
    )
    process.start()
    yield
    process.terminate()
    process.join()


def test_a_tf_message_arrives_from_another_process(sender: None, ros: Any) -> None:
    received: list[TFMessage] = []
    receiver = ros.node()
    receiver.create_subscription(TFMessage, "/tf", received.append, 10)
    ros.until(lambda: received)
    assert received[0] == transforms()
    (publisher,) = receiver.get_publishers_info_by_topic("/tf")
    assert bytes(publisher.topic_type_hash.value).hex() == TYPE_HASH


def test_ros_gets_every_type_support_that_it_asks_for(
    ros: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    """What it misses it leaves behind as an error that the next subscription complains about."""
    node = ros.node()
    node.create_subscription(TFMessage, "/tf", print, 10)
    node.create_subscription(TransformStamped, "other", print, 10)
    assert "error" not in capfd.readouterr().err
