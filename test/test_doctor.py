"""The doctor names what is wrong, and only that; on a graph, live, and for one frame of a bag."""

from __future__ import annotations

import io
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from rich.console import Console

pytest.importorskip("rosbags", reason="needs rosbags: pip install '.[bags]'")

from recordings import write_recording, write_weights

from bpnp_ros.bags import messages
from bpnp_ros.doctor.checks import findings
from bpnp_ros.doctor.finding import REMEDIES, Level
from bpnp_ros.doctor.graph import Endpoint, Graph, Input, NodeStatus
from bpnp_ros.doctor.run import run
from bpnp_ros.errors import BagError
from bpnp_ros.localizer.types import Category
from bpnp_ros.runtime.tf_buffer import NoTransformError
from bpnp_ros.tools.doctor import parse_arguments

if TYPE_CHECKING:
    from conftest import RosWorld

DRIVER, NODE = "/driver", "/localization"
LOOKING_AHEAD = np.array([[0.0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])


def stamped(frame: str, **parts: Any) -> Any:
    stamp = SimpleNamespace(sec=1, nanosec=0)
    return SimpleNamespace(header=SimpleNamespace(frame_id=frame, stamp=stamp), **parts)


def keypoints_of(frame: str = "camera") -> Any:
    pixels = np.random.default_rng(0).uniform(0, 400, (30, 2)).astype(np.float32)
    header = stamped(frame).header
    return messages.cloud(header, {"u": pixels[:, 0], "v": pixels[:, 1]})


def camera_info_of(frame: str = "camera", focal: float = 400.0) -> Any:
    K = np.array([focal, 0, 320, 0, focal, 240, 0, 0, 1.0])
    parts: dict[str, Any] = {"k": K, "d": [], "p": np.zeros(12), "r": np.eye(3).ravel()}
    roi = SimpleNamespace(x_offset=0, y_offset=0, width=0, height=0, do_rectify=False)
    return stamped(
        frame, **parts, width=640, height=480, distortion_model="plumb_bob",
        binning_x=0, binning_y=0, roi=roi,
    )  # fmt: skip


def heard(role: str, last: Any = None, **changes: Any) -> Input:
    offers = Endpoint(DRIVER, reliable=True, latched=role == "point_map")
    asks = Endpoint(NODE, role == "point_map", role == "point_map")
    part = Input(role, f"/{role}", [offers], asks, 50, [0.02] * 50, last)
    for name, value in changes.items():
        setattr(part, name, value)
    return part


def graph(**changes: Any) -> Graph:
    """A robot on which all is well, but for the changes."""
    inputs = {
        "keypoints": heard("keypoints", keypoints_of()),
        "camera_info": heard("camera_info", camera_info_of()),
        "point_map": heard("point_map"),
    }
    values = {"map_points": "900", "map_metric": "true", "map_frame": "map", "notes": ""}
    node = NodeStatus(NODE, "TRACKING", values, {"tf_mode": "base", "base_frame": "base"})
    parts = {"node": node, "lookup": lambda target, source: LOOKING_AHEAD, **changes}
    for role in inputs:
        inputs[role] = parts.pop(role, inputs[role])
    return Graph(5.0, "0", inputs, **parts)


def told(values: dict[str, str]) -> NodeStatus:
    return NodeStatus(NODE, "LOST", values, {"tf_mode": "camera"})


def problems(seen: Graph) -> list[str]:
    found = [f for f in findings(seen) if f.level is Level.PROBLEM]
    assert all(f.remedy for f in found)
    return [f"{f.about}: {f.what} -> {f.remedy}" for f in found]


def missing(target: str, source: str) -> Any:
    raise NoTransformError(f"no TF from '{target}' to '{source}'.")


def test_a_healthy_robot_has_no_problem() -> None:
    assert problems(graph()) == []


BEST_EFFORT = [Endpoint(DRIVER, reliable=False, latched=True)]
VOLATILE = [Endpoint(DRIVER, reliable=True, latched=False)]
ILL: dict[str, tuple[dict[str, Any], str]] = {
    "nobody publishes": ({"keypoints": heard("keypoints", publishers=[])}, "nobody publishes it"),
    "a topic of another name": (
        {"keypoints": heard("keypoints", publishers=[], elsewhere=["/cam/points"])},
        "keypoints:=/cam/points",
    ),
    "a silent publisher": ({"camera_info": heard("camera_info", count=0)}, "nothing came"),
    "best effort map": ({"point_map": heard("point_map", publishers=BEST_EFFORT)}, "reliability"),
    "a volatile map": ({"point_map": heard("point_map", publishers=VOLATILE)}, "durability"),
    "old stamps": (
        {"keypoints": heard("keypoints", keypoints_of(), ages=[1e8] * 9)}, "use_sim_time"
    ),
    "stamps ahead": ({"keypoints": heard("keypoints", keypoints_of(), ages=[-3.0])}, "future"),
    "two frames": (
        {"camera_info": heard("camera_info", camera_info_of("left"))}, "CameraInfo is of 'left'"
    ),
    "no focal length": (
        {"camera_info": heard("camera_info", camera_info_of(focal=0.0))}, "calibrate the camera"
    ),
    "no extrinsics": ({"lookup": missing}, "no TF from 'base' to 'camera'"),
    "not an optical frame": ({"lookup": lambda *_: np.eye(4)}, "optical frame"),
    "weights of another map": (
        {"node": told({"map_points": "9", "notes": "MAP_UNKNOWN: ...", "weights": "w"})},
        "trained for another map",
    ),
    "a wrong lens": (
        {"node": told({"map_points": "9", "notes": "CAMERA_MISCALIBRATED: focal length by +9%"})},
        "focal length by +9% -> calibrate it",
    ),
    "a map that is not true any more": (
        {"node": told({"map_points": "9", "notes": "MAP_CHANGED: around (1, 2, 3)"})},
        "around (1, 2, 3) -> survey",
    ),
    "a refused map": ({"node": told({"map_refused": "it is empty."})}, "it is empty."),
    "a rejection": (
        {"node": told({"map_points": "9", "category": "AMBIGUOUS", "reason": "two rooms"})},
        "two rooms",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", ILL)
def test_what_is_wrong_is_named_with_what_helps(case: str) -> None:
    changes, words = ILL[case]
    found = problems(graph(**changes))
    assert len(found) == 1 and words in found[0], found


def test_every_note_of_the_self_checks_is_a_finding_of_its_own() -> None:
    notes = "MAP_CHANGED: here\nCAMERA_MISCALIBRATED: focal length by +9%\nMAP_CHANGED: there"
    found = problems(graph(node=told({"map_points": "9", "notes": notes})))
    said = ["here -> survey", "focal length by +9% -> calibrate", "there -> survey"]
    assert len(found) == 3 and all(a in b for a, b in zip(said, found, strict=True))


def test_every_reason_for_no_pose_has_a_remedy() -> None:
    assert set(REMEDIES) == set(Category)


def test_without_a_node_its_inputs_are_looked_at_all_the_same() -> None:
    lonely = graph(node=None, keypoints=heard("keypoints", publishers=[]))
    assert [words for words in problems(lonely) if "nobody publishes it" in words]
    assert any(f.level is Level.NOTE and f.about == "node" for f in findings(lonely))


def test_live_it_hears_what_a_robot_sends(ros: RosWorld) -> None:
    pytest.importorskip("rclpy", reason="needs ROS 2, or its wheels (docs/installation.md)")
    import threading

    from robot import Robot, camera_info, keypoints

    from bpnp_ros.doctor.link import _Listener
    from bpnp_ros.nodes.messages import header

    robot, seen = Robot(ros, tf_mode="base", base_frame="base").ready(), list[Graph]()

    def listen() -> None:
        seen.append(_Listener({}, "").listen(2.0))

    doctor = threading.Thread(target=listen)
    doctor.start()
    while doctor.is_alive():
        now = time.time_ns()
        cloud, info = keypoints(), camera_info()
        cloud.header = info.header = header(now, "camera")
        robot.camera_info.publish(info)
        robot.keypoints.publish(cloud)
        robot.node._publish_diagnostics()
        ros.spin(0.1)
    inputs, node = seen[0].inputs, seen[0].node
    assert node is not None and node.name == "/localization"
    assert node.parameters["base_frame"] == "base"
    assert inputs["keypoints"].count > 5 and inputs["keypoints"].frame == "camera"
    assert inputs["point_map"].asks is not None and inputs["point_map"].asks.latched
    assert any("no TF from 'base' to 'camera'" in words for words in problems(seen[0]))


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_recording(tmp_path_factory.mktemp("bags") / "walk")


def explained(recording: Path, folder: Path, *words: str) -> tuple[int, str]:
    weights = write_weights(folder / "rooms.safetensors")
    arguments = parse_arguments(
        [str(recording), *words, "--weights", str(weights), "--out", str(folder / "frame.png")]
    )
    said = io.StringIO()
    return run(arguments, Console(file=said, width=200)), said.getvalue()


def test_a_frame_that_has_a_pose_is_explained(recording: Path, tmp_path: Path) -> None:
    status, said = explained(recording, tmp_path, "--message", "3")
    assert status == 0 and "1. " in said and "taken: " in said
    assert (tmp_path / "frame.png").stat().st_size > 10_000


def test_a_frame_without_a_pose_says_why_and_what_helps(recording: Path, tmp_path: Path) -> None:
    never = ("--set", "min_inliers=1000")
    status, said = explained(recording, tmp_path, *never)
    assert status == 1 and "no pose, NOT_VERIFIED" in said and "-> " in said


def test_a_message_that_is_not_there_is_refused(recording: Path, tmp_path: Path) -> None:
    with pytest.raises(BagError, match="no message 99"):
        explained(recording, tmp_path, "--message", "99")
