"""Images in, keypoints out under the same header; what is no image is logged and survived."""

from __future__ import annotations

import array
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2, or its wheels (docs/installation.md)")
cv2 = pytest.importorskip("cv2")

from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2

from bpnp_ros.nodes.keypoint_detector_node import KeypointDetector
from bpnp_ros.nodes.messages import header
from bpnp_ros.nodes.qos import SENSOR
from bpnp_ros.runtime.conversions import read_keypoints

if TYPE_CHECKING:
    from conftest import RosWorld

TOP = header(5_000_000_007, "camera")


def lights() -> np.ndarray:
    image = np.zeros((120, 160), np.uint8)
    for x, y in ((30, 20), (100, 90), (140, 40)):
        image[y - 2 : y + 3, x - 2 : x + 3] = 255
    return image


def raw(image: np.ndarray) -> Image:
    height, width = image.shape
    data = array.array("B", image.tobytes())
    return Image(header=TOP, height=height, width=width, encoding="mono8", step=width, data=data)


def jpeg(image: np.ndarray) -> CompressedImage:
    _, data = cv2.imencode(".jpg", image)
    return CompressedImage(header=TOP, format="jpeg", data=array.array("B", data.tobytes()))


def answers(ros: RosWorld, topic: str, messages: list[Any]) -> list[PointCloud2]:
    """What the detector publishes for the last of `messages`, sent again and again."""
    overrides = [Parameter("detector", value="lights")]
    detector = ros.add(KeypointDetector(parameter_overrides=overrides))
    detector.start()
    tester = ros.node()
    heard: list[PointCloud2] = []
    tester.create_subscription(PointCloud2, "keypoints", heard.append, SENSOR)
    camera = tester.create_publisher(type(messages[0]), topic, SENSOR)
    ros.until(lambda: camera.get_subscription_count() and detector.count_subscribers("keypoints"))
    for message in messages[:-1]:
        camera.publish(message)
        ros.spin(0.2)
    ros.until(lambda: camera.publish(messages[-1]) or heard)
    return heard


@pytest.mark.parametrize(("topic", "make"), [("image", raw), ("image/compressed", jpeg)])
def test_lights_of_an_image_become_keypoints_under_its_header(
    ros: RosWorld, topic: str, make: Any
) -> None:
    cloud = answers(ros, topic, [make(lights())])[0]
    assert cloud.header == TOP
    pixels, score = read_keypoints(cloud)
    assert sorted(map(tuple, pixels.round().tolist())) == [(30, 20), (100, 90), (140, 40)]
    assert score is not None and score.max() == 1


def test_an_image_that_was_cut_off_does_not_end_the_node(ros: RosWorld) -> None:
    broken = raw(lights())
    broken.data = broken.data[:100]
    unknown = raw(lights())
    unknown.encoding = "hologram"
    assert len(answers(ros, "image", [broken, unknown, raw(lights())])[0].data) == 3 * 28


def camera_info(width: int, height: int) -> CameraInfo:
    return CameraInfo(
        header=TOP,
        **{"width": width, "height": height},
        **{"distortion_model": "plumb_bob", "k": [100.0, 0, 80, 0, 100, 60, 0, 0, 1]},
    )


@pytest.mark.parametrize(("width", "fits"), [(160, True), (320, False)])
def test_an_image_of_another_size_than_its_camera_gives_no_keypoints(
    ros: RosWorld, monkeypatch: pytest.MonkeyPatch, width: int, fits: bool
) -> None:
    overrides = [Parameter("detector", value="lights")]
    detector = ros.add(KeypointDetector(parameter_overrides=overrides))
    published: list[PointCloud2] = []
    errors: list[str] = []
    monkeypatch.setattr(detector._keypoints, "publish", published.append)
    monkeypatch.setattr(detector.get_logger(), "error", lambda text, **_: errors.append(text))
    detector.start()
    tester = ros.node()
    camera = tester.create_publisher(CameraInfo, "camera_info", SENSOR)
    image = tester.create_publisher(Image, "image", SENSOR)
    ros.until(lambda: camera.get_subscription_count() and image.get_subscription_count())
    ros.until(lambda: camera.publish(camera_info(width, 120)) or detector._cameras)
    ros.until(lambda: image.publish(raw(lights())) or published or errors)
    assert bool(published) == fits
    assert fits or "160 x 120 pixels, its CameraInfo says 320 x 120" in errors[0]


def test_images_of_a_topic_are_found_compressed_beside_it(ros: RosWorld) -> None:
    overrides = [Parameter("detector", value="lights")]
    arguments = ["--ros-args", "-r", "image:=/cam/image_raw"]
    detector = ros.add(KeypointDetector(parameter_overrides=overrides, cli_args=arguments))
    detector.start()
    tester = ros.node()
    heard: list[PointCloud2] = []
    tester.create_subscription(PointCloud2, "keypoints", heard.append, SENSOR)
    camera = tester.create_publisher(CompressedImage, "/cam/image_raw/compressed", SENSOR)
    ros.until(lambda: camera.get_subscription_count() and detector.count_subscribers("keypoints"))
    ros.until(lambda: camera.publish(jpeg(lights())) or heard)
    assert heard[0].header == TOP
