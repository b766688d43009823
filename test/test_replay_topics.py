"""Topics are guessed where there is one answer, and asked for where there are two."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="needs rosbags: pip install '.[bags]'")

from rooms import CAMERA

from bpnp_ros.backends.rosbags import Writer
from bpnp_ros.bags import messages
from bpnp_ros.bags.reading import Bag
from bpnp_ros.errors import BagError
from bpnp_ros.replay.topics import Topics, choose_topics


def cloud(fields: str, frame: str) -> Any:
    columns = {name: np.zeros(5, np.float32) for name in fields}
    return messages.cloud(messages.header(1, frame), columns)


def info(frame: str) -> Any:
    return messages.camera_info(messages.header(1, frame), CAMERA)


def picture(frame: str) -> Any:
    return messages.compressed_image(messages.header(1, frame), b"no image", "jpeg")


def chosen(tmp_path: Path, content: dict[str, Any], wanted: Topics | None = None) -> Topics:
    """The choice for a bag with each message twice, maps once."""
    with Writer(tmp_path / "bag") as bag:
        for topic, message in content.items():
            bag.add_topic(topic, message.__msgtype__)
            for time in range(1 if "map" in topic else 2):
                bag.write(topic, time, message)
    with Bag(tmp_path / "bag") as read:
        return choose_topics(read, wanted or Topics(), map_from_bag=True)


def test_keypoints_map_and_camera_are_told_apart_by_their_content(tmp_path: Path) -> None:
    content = {
        "/points": cloud("uv", "left"),
        "/lidar": cloud("xyz", "lidar"),
        "/the_map": cloud("xyz", "map"),
        "/left/camera_info": info("left"),
        "/left/image_raw": picture("left"),
    }
    expected = Topics("/points", "", "/left/camera_info", "/the_map")
    assert chosen(tmp_path, content) == expected


def test_without_keypoints_the_images_are_taken_raw_before_compressed(tmp_path: Path) -> None:
    content = {
        "/left/image": picture("left"),
        "/left/image/compressed": picture("left"),
        "/left/camera_info": info("left"),
        "/map": cloud("xyz", "map"),
    }
    assert chosen(tmp_path, content).image == "/left/image"


def test_of_two_cameras_the_one_of_the_keypoints_frame_is_taken(tmp_path: Path) -> None:
    content = {
        "/keypoints": cloud("uv", "right"),
        "/left/camera_info": info("left"),
        "/right/camera_info": info("right"),
        "/map": cloud("xyz", "map"),
    }
    assert chosen(tmp_path, content).camera_info == "/right/camera_info"


def test_bearings_need_no_camera(tmp_path: Path) -> None:
    content = {"/keypoints": cloud("xyz", "left"), "/map": cloud("xyz", "map")}
    assert chosen(tmp_path, content) == Topics("/keypoints", "", "", "/map")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ({"/a": cloud("uv", "c"), "/b": cloud("uv", "c")}, "/a, /b would do.*--keypoints"),
        ({"/a/image": picture("c"), "/b/image": picture("c")}, "/a/image, /b/image.*--image"),
        ({"/a": cloud("uv", "c")}, "no CameraInfo"),
        ({"/a": cloud("uv", "c"), "/info": info("c")}, "no map is in the bag"),
        ({"/x": info("c")}, r"neither keypoints .* nor images .*/x"),
    ],
)
def test_what_is_ambiguous_or_missing_is_listed_with_the_option_that_helps(
    tmp_path: Path, content: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(BagError, match=complaint):
        chosen(tmp_path, content)


def test_the_users_choice_wins(tmp_path: Path) -> None:
    content = {
        "/a": cloud("uv", "c"),
        "/b": cloud("uv", "c"),
        "/info": info("c"),
        "/map": cloud("xyz", "map"),
    }
    assert chosen(tmp_path, content, Topics(keypoints="/b")).keypoints == "/b"
