"""The truth of a bag, from wherever it stands, is the camera's pose in the map."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="needs rosbags: pip install '.[bags]'")

from recordings import BASE_CAMERA, FRAME, START, STEP, Walk, walk, write_recording

from bpnp_ros.backends.rosbags import Writer
from bpnp_ros.bags import messages
from bpnp_ros.bags.reading import Bag
from bpnp_ros.errors import BagError
from bpnp_ros.evaluation.trajectory import Trajectory, write_tum
from bpnp_ros.replay.ground_truth import GroundTruth, TruthChoice, choose_truth, read_truth


def truth_of(path: Path, choice: TruthChoice) -> GroundTruth:
    with Bag(path) as bag:
        truth = read_truth(bag, choice, "map", FRAME)
    assert truth is not None
    return truth


def written(path: Path, every: int = 1, late: int = 0) -> str:
    there = walk()
    write_tum(path, Trajectory(there.stamps_ns[::every] + late, there.T_map_camera[::every]))
    return str(path)


def assert_right(truth: GroundTruth, there: Walk) -> None:
    for stamp, T in zip(there.stamps_ns.tolist(), there.T_map_camera, strict=True):
        found = truth.at(stamp, FRAME)
        assert found is not None, truth.refusal
        np.testing.assert_allclose(found, T, atol=1e-7)


@pytest.mark.parametrize("kind", ["pose", "tf", "odometry"])
def test_it_comes_from_poses_or_from_tf_through_the_robots_base(tmp_path: Path, kind: str) -> None:
    path = write_recording(tmp_path / "bag", truth=kind)
    with Bag(path) as bag:
        source = choose_truth(bag, "")
    assert source == ("tf" if kind == "tf" else "/reference")
    assert_right(truth_of(path, TruthChoice(source)), walk())


def test_a_file_may_have_a_clock_of_its_own(tmp_path: Path) -> None:
    bag = write_recording(tmp_path / "bag", truth="none")
    file = written(tmp_path / "truth.tum", late=30_000_000_000)
    assert_right(truth_of(bag, TruthChoice(file, offset=30.0)), walk())


def test_poses_of_another_frame_are_carried_to_the_camera(tmp_path: Path) -> None:
    bag = write_recording(tmp_path / "bag", truth="tf")
    there = walk()
    of_base = there.T_map_camera @ np.linalg.inv(BASE_CAMERA)
    write_tum(tmp_path / "base.tum", Trajectory(there.stamps_ns, of_base))
    assert_right(truth_of(bag, TruthChoice(str(tmp_path / "base.tum"), child="base")), there)


def test_short_gaps_are_interpolated_and_long_ones_stay_open(tmp_path: Path) -> None:
    bag = write_recording(tmp_path / "bag", truth="none")
    file = written(tmp_path / "truth.tum", every=2)
    between = START + STEP
    near = truth_of(bag, TruthChoice(file, longest_gap=0.25)).at(between, FRAME)
    assert near is not None
    np.testing.assert_allclose(near, walk().T_map_camera[1], atol=0.02)
    strict = truth_of(bag, TruthChoice(file, longest_gap=0.15))
    assert strict.at(between, FRAME) is None and "gap of 0.200 s" in strict.refusal
    assert strict.at(START - STEP, FRAME) is None and "before" in strict.refusal


def test_a_choice_between_two_is_the_users(tmp_path: Path) -> None:
    with Writer(tmp_path / "bag") as bag:
        for topic in ("/odometry", "/gps", "/initialpose"):
            bag.add_topic(topic, messages.POSE)
            pose = messages.pose_stamped(messages.header(START, "map"), np.eye(4))
            bag.write(topic, START, pose)
    with Bag(tmp_path / "bag") as read, pytest.raises(BagError, match=r"/gps, /odometry.*--truth"):
        choose_truth(read, "")


def test_none_is_no_truth(tmp_path: Path) -> None:
    with Bag(write_recording(tmp_path / "bag")) as bag:
        assert read_truth(bag, TruthChoice("none"), "map", FRAME) is None
