"""Real recordings are understood: their topics, their truth from every source, their images."""

from __future__ import annotations

import numpy as np
import pytest
from shared_data import SHARED, needs_shared_data

pytest.importorskip("rosbags", reason="needs rosbags: pip install '.[bags]'")

from bpnp_ros.bags.reading import Bag
from bpnp_ros.errors import BagError
from bpnp_ros.evaluation.metrics import pose_errors
from bpnp_ros.evaluation.tum import read_tum
from bpnp_ros.replay.ground_truth import TruthChoice, choose_truth, read_truth
from bpnp_ros.replay.topics import Topics, choose_topics
from bpnp_ros.runtime.conversions import read_camera, read_image, read_map_points

BAGS = SHARED / "bags"
FRAMES = {"redkitchen_dev": 50, "kitti_0926_drive": 60}

pytestmark = needs_shared_data


@pytest.mark.parametrize("name", FRAMES)
def test_the_topics_are_guessed_and_hold_what_they_should(name: str) -> None:
    with Bag(BAGS / name) as bag:
        topics = choose_topics(bag, Topics(), map_from_bag=True)
        expected = Topics("", "/camera/image_raw/compressed", "/camera/camera_info", "/map")
        assert topics == expected and bag.problems == []
        camera = read_camera(bag.first(topics.camera_info))
        assert read_image(bag.first(topics.image)).size == (camera.width, camera.height)
        assert np.isfinite(read_map_points(bag.first(topics.map))).all()


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("redkitchen_dev", "/reference/camera_pose"),
        ("redkitchen_dev", "file"),
        ("kitti_0926_drive", "/reference/camera_pose"),
        ("kitti_0926_drive", "tf"),
    ],
)
def test_the_truth_is_that_of_the_reference_file(name: str, source: str) -> None:
    file = BAGS / f"{name}_reference.tum"
    reference = read_tum(file)
    with Bag(BAGS / name) as bag:
        camera = bag.first("/camera/camera_info").header.frame_id
        choice = TruthChoice(str(file) if source == "file" else source)
        truth = read_truth(bag, choice, "map", camera)
        assert truth is not None and choose_truth(bag, "") == "/reference/camera_pose"
    assert len(reference) == FRAMES[name]
    found = [truth.at(stamp, camera) for stamp in reference.stamps_ns.tolist()]
    assert all(T is not None for T in found), truth.refusal
    off = pose_errors(reference.T_map_camera, np.array(found))
    assert off.metres.max() < 1e-3 and off.degrees.max() < 0.01


def test_there_is_no_camera_pose_in_the_tf_of_another_frame() -> None:
    with Bag(BAGS / "redkitchen_dev") as bag:
        truth = read_truth(bag, TruthChoice("/reference/camera_pose"), "world", "camera")
        assert truth is not None and truth.at(1_350_000_000_000_000_000, "camera") is None
        assert "nobody publishes 'world'" in truth.refusal
        with pytest.raises(BagError, match="neither a topic of the bag nor a file"):
            read_truth(bag, TruthChoice("missing.tum"), "map", "camera")
