"""From a bag with poses to a map file that localises: the command, its losses and its refusals."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from landmarks import CAMERA, ceiling_lamps, held, report
from rich.console import Console

pytest.importorskip("rosbags", reason="needs rosbags: pip install '.[bags]'")

from bpnp_ros import Fix, Localizer, LocalizerConfig
from bpnp_ros.backends.rosbags import Writer
from bpnp_ros.bags import messages
from bpnp_ros.bags.camera_bag import CAMERA_FRAME, START, CameraBag
from bpnp_ros.demo.bag import write_demo
from bpnp_ros.demo.stream import make_stream
from bpnp_ros.demo.worlds import LAMPS
from bpnp_ros.errors import BagError, BpnpError, MapError
from bpnp_ros.mapping import reading
from bpnp_ros.mapping.run import run
from bpnp_ros.point_map.loading import load_map
from bpnp_ros.simulation.hall import make_hall
from bpnp_ros.tools.map_from_poses import parse_arguments

FRAMES = 80


def made(*words: object) -> tuple[int, str]:
    """Status and output of the command."""
    console = Console(file=io.StringIO(), width=200)
    status = run(parse_arguments([str(word) for word in words]), console)
    assert isinstance(console.file, io.StringIO)
    return status, console.file.getvalue()


def write_drive(path: Path, in_tf: bool = True, posed: int = FRAMES) -> np.ndarray:
    """A robot under lamps whose keypoints and, in TF, poses of its base are recorded."""
    rng, lamps = np.random.default_rng(0), ceiling_lamps(np.random.default_rng(1))
    T_base_camera = held("up", 0.3, np.array([0.2, 0.0, 0.5]), np.zeros(2))
    with Writer(path) as bag:
        write = CameraBag(bag, lamps)
        bag.add_topic("/tf", messages.TF)
        bag.add_topic("/tf_static", messages.TF, latched=True)
        top = messages.header(START, "base_link")
        bag.write("/tf_static", START, messages.transforms(top, CAMERA_FRAME, T_base_camera))
        for frame in range(FRAMES):
            stamp = START + 100_000_000 * frame
            position = np.array([5 + 0.1 * frame, 6 + np.sin(frame / 20), 0.5])
            T = held("up", frame / 40, position, np.zeros(2))
            u, v = report(lamps, T, rng).T.astype(np.float32)
            keypoints = {"u": u, "v": v}
            if in_tf:
                cloud = messages.cloud(messages.header(stamp, CAMERA_FRAME), keypoints)
                bag.write("/camera/keypoints", stamp, cloud)
                info = messages.camera_info(messages.header(stamp, CAMERA_FRAME), CAMERA)
                bag.write("/camera/camera_info", stamp, info)
            else:
                write.add(stamp, CAMERA, keypoints, T)
            if frame < posed:
                base = T @ np.linalg.inv(T_base_camera)
                edge = messages.transforms(messages.header(stamp, "map"), "base_link", base)
                bag.write("/tf", stamp, edge)
    return lamps


@pytest.mark.parametrize("in_tf", [True, False], ids=["TF of the base", "a topic of poses"])
@pytest.mark.parametrize("name", ["lamps.csv", "lamps.ply"])
def test_a_recording_becomes_a_map_in_which_a_camera_finds_itself(
    tmp_path: Path, in_tf: bool, name: str
) -> None:
    lamps = write_drive(tmp_path / "bag", in_tf)
    out = tmp_path / "maps" / name
    status, said = made(tmp_path / "bag", "--out", out)
    assert status == 0 and "landmarks, each in" in said
    found = load_map(out)
    apart = np.linalg.norm(found.in_map_frame[:, None] - lamps, axis=2).min(axis=1)
    assert np.median(apart) < 0.01 and len(found) > 10
    assert out.with_suffix(".png").exists()
    words = {"motion": "floor", "camera_mounting": "up"}
    heights = {"camera_height_min": 0.45, "camera_height_max": 0.55}
    localizer = Localizer.from_map(out, config=LocalizerConfig(**words, **heights))  # type: ignore[arg-type]
    T = held("up", 1.0, np.array([8.5, 6.5, 0.5]), np.zeros(2))
    answer = localizer.localize(report(lamps, T, np.random.default_rng(2)), CAMERA)
    assert isinstance(answer, Fix)
    assert np.linalg.norm(answer.T_map_camera[:3, 3] - T[:3, 3]) < 0.1


def test_lights_are_looked_for_in_images_and_have_size_and_brightness(tmp_path: Path) -> None:
    stream = make_stream(3, 8.0, 10.0, 0, None, LAMPS, 3)
    with Writer(tmp_path / "bag") as bag:
        write_demo(bag, stream)
    made(tmp_path / "bag", "--out", tmp_path / "lamps.csv")
    found, lamps = load_map(tmp_path / "lamps.csv"), make_hall(3).landmarks
    apart = np.linalg.norm(found.in_map_frame[:, None] - lamps, axis=2).min(axis=1)
    assert len(found) >= 8 and np.median(apart) < 0.02
    np.testing.assert_allclose(np.median(found.cues["size"]), 0.2, atol=0.06)
    assert (found.cues["intensity"] == 255).all()


def test_after_ctrl_c_there_is_a_map_of_what_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_drive(tmp_path / "bag")
    take, taken = reading.Reader._take, []

    def interrupted(self: reading.Reader, message: object) -> None:
        taken.append(message)
        if len(taken) > 50:
            raise KeyboardInterrupt
        take(self, message)

    monkeypatch.setattr(reading.Reader, "_take", interrupted)
    status, said = made(tmp_path / "bag", "--out", tmp_path / "lamps.csv")
    assert status == 130 and "the map is that of what has been read" in said
    assert len(load_map(tmp_path / "lamps.csv")) > 8


def test_frames_without_a_pose_are_counted_with_the_reason(tmp_path: Path) -> None:
    write_drive(tmp_path / "bag", posed=60)
    _, said = made(tmp_path / "bag", "--out", tmp_path / "lamps.csv")
    assert "20 messages have no pose: TF from 'map' to 'base_link' is not known at" in said


def test_a_recording_without_poses_is_refused_with_what_would_do(tmp_path: Path) -> None:
    write_drive(tmp_path / "bag", posed=0)
    with pytest.raises(BagError, match="no message of /camera/keypoints could be used: no TF from"):
        made(tmp_path / "bag", "--out", tmp_path / "lamps.csv")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--out", "lamps.xls"), r"lamps.xls: a map is written as .csv or .ply"),
        (("--poses", "/nobody"), "truth: /nobody is neither a topic of the bag nor a file"),
        (("--image", "/nothing"), "/nothing is not in the bag"),
        (("--set", "detektor=lights"), "there is no parameter 'detektor'"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    tmp_path: Path, words: tuple[str, str], complaint: str
) -> None:
    write_drive(tmp_path / "bag")
    with pytest.raises(BpnpError, match=complaint):
        made(tmp_path / "bag", *words)


def test_a_bag_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises((BagError, MapError), match="there is no bag"):
        made(tmp_path / "bag")
