"""docs/landmarks.md, followed as it stands, leads from a CSV file to a pose."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from landmarks import held

from bpnp_ros.bags.camera_bag import START, CameraBag
from bpnp_ros.demo.worlds import LAMPS
from bpnp_ros.simulation.hall import make_hall
from bpnp_ros.simulation.lamp_images import lamp_image
from bpnp_ros.simulation.observation import observe

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "landmarks.md").read_text()


def block_with(word: str) -> str:
    """The only block of commands on the page that has a word."""
    (block,) = [b for b in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) if word in b]
    return str(block)


def words_of(command: str) -> list[str]:
    return shlex.split(command.replace("\\\n", " "), comments=True)


def sixty_lamps(path: Path) -> np.ndarray:
    """As the page shows a file; lamps (60, 3)."""
    head = re.search(r"```\n(x,y,z,label\n)", PAGE)
    assert head is not None
    lamps = make_hall(4).landmarks[:60]
    rows = [f"{x:.3f},{y:.3f},{z:.3f},{i % 2}" for i, (x, y, z) in enumerate(lamps)]
    path.write_text(head[1] + "\n".join(rows))
    return lamps


def record(path: Path, lamps: np.ndarray, frames: int = 5) -> np.ndarray:
    """Images of a camera 0.4 m high that looks up where most of the lamps are; true poses."""
    from bpnp_ros.backends.opencv import encode_jpeg
    from bpnp_ros.backends.rosbags import Writer

    world, rng, camera = make_hall(4), np.random.default_rng(0), LAMPS.camera
    middle = lamps[:, :2].mean(axis=0)
    poses = [
        held("up", 0.1 * i, np.array([*middle + 0.05 * i, 0.4]), np.zeros(2)) for i in range(frames)
    ]
    with Writer(path) as bag:
        write = CameraBag(bag, lamps, photographs=True)
        for i, T in enumerate(poses):
            seen = observe(world, T, camera, LAMPS.noise, rng)
            write.add(START + i * 10**8, camera, None, T)
            image = lamp_image(world, T, camera, seen, rng)
            write.add_photograph(START + i * 10**8, encode_jpeg(image), "jpeg")
    return np.stack(poses)


@pytest.mark.timeout(400)
def test_sixty_lamps_in_a_csv_and_a_recording_become_poses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("rosbags", reason="needs rosbags: pip install '.[bags]'")
    from rich.console import Console

    from bpnp_ros.evaluation.tum import read_tum
    from bpnp_ros.replay.run import run
    from bpnp_ros.tools.replay import parse_arguments

    monkeypatch.chdir(tmp_path)
    truth = record(tmp_path / "BAG", sixty_lamps(tmp_path / "lamps.csv"))
    command, *words = words_of(block_with("bpnp_replay"))
    assert command == "bpnp_replay"
    assert run(parse_arguments(words), Console(quiet=True)) == 0
    found = read_tum(tmp_path / "results" / "estimate.tum")
    assert len(found) >= 4
    rows = ((found.stamps_ns - START) / 10**8).round().astype(int)
    apart = found.T_map_camera[:, :3, 3] - truth[rows, :3, 3]
    assert np.linalg.norm(apart, axis=1).max() < 0.1


def test_a_map_can_be_made_as_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bpnp_ros.tools.map_from_poses import parse_arguments

    command, *words = words_of(block_with("bpnp_map_from_poses"))
    assert command == "bpnp_map_from_poses"
    assert parse_arguments(words).out == Path("lamps.csv")


@pytest.mark.parametrize("command", ["ros2 launch", "localization --ros-args"])
def test_the_launch_lines_set_parameters_that_exist_and_agree_with_the_recording(
    command: str,
) -> None:
    from bpnp_ros.replay.configuration import configuration

    block = block_with(command)
    given = dict(re.findall(r"(\w+):=(\S+)", block))
    wanted = dict(re.findall(r"--set (\w+)=(\S+)", block_with("bpnp_replay")))
    assert {n: v for n, v in wanted.items() if given.get(n) != v and n != "detector"} == {}
    numbers = {n: float(v) if re.fullmatch(r"[\d.]+", v) else v for n, v in given.items()}
    configuration({**numbers, "map_file": "lamps.csv"})
