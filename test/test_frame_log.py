"""--rerun leaves a recording that another program reads: frames, and what the gate compared."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recordings import walk, write_recording, write_weights
from rich.console import Console
from rooms import world

from bpnp_ros.backends import rerun
from bpnp_ros.demo.frame_log import write_frame_log
from bpnp_ros.demo.score import DemoRecord
from bpnp_ros.demo.stream import make_stream
from bpnp_ros.demo.weights import demo_bundle
from bpnp_ros.errors import ConfigError
from bpnp_ros.evaluation.trajectory import Trajectory
from bpnp_ros.evaluation.tum import read_tum
from bpnp_ros.replay.run import run
from bpnp_ros.tools.replay import parse_arguments

reading = pytest.importorskip("rerun.chunk", reason="needs rerun: pip install '.[rerun]'")

COUNT = len(walk().pixels)
ENTITIES = {
    *("/map", "/camera", "/camera/image", "/camera/image/keypoints", "/camera/image/predicted"),
    *("/compared", "/truth", "/figures/inliers", "/figures/log_likelihood_ratio_nat", "/answer"),
}


class Read:
    """The columns of a recording by entity: values by message."""

    def __init__(self, path: Path) -> None:
        self._rows: dict[str, dict[str, dict[int, Any]]] = {}
        for chunk in reading.RrdReader(path).stream():
            batch = chunk.to_record_batch()
            timed = {"log_time", "stamp"} & set(batch.schema.names)  # finer than Python's times
            batch = batch.drop_columns(list(timed)).to_pydict()
            for name, values in batch.items():
                column = self._rows.setdefault(chunk.entity_path, {}).setdefault(name, {})
                numbers = batch.get("message", [0] * len(values))
                column |= dict(zip(numbers, values, strict=True))

    @property
    def entities(self) -> set[str]:
        return {name for name in self._rows if not name.startswith("/__")}

    def column(self, entity: str, part: str) -> dict[int, np.ndarray]:
        """By message, where there is something."""
        name = next(name for name in self._rows[entity] if name.split(":")[-1] == part)
        found = self._rows[entity][name]
        return {number: np.array(value) for number, value in found.items() if value is not None}


def replayed(folder: Path) -> tuple[Path, Path]:
    pytest.importorskip("rosbags", reason="needs rosbags: pip install '.[bags]'")
    weights = write_weights(folder / "rooms.safetensors")
    bag, out, file = write_recording(folder / "walk"), folder / "out", folder / "look" / "walk.rrd"
    words = [str(bag), "--out", str(out), "--weights", str(weights), "--rerun", str(file)]
    arguments = parse_arguments([*words, "--set", "bank_views=1000"])
    assert run(arguments, Console(file=io.StringIO())) == 0
    return out, file


def test_a_replay_can_be_scrubbed_through(tmp_path: Path) -> None:
    out, file = replayed(tmp_path)
    read, estimate = Read(file), read_tum(out / "estimate.tum")
    assert read.entities >= ENTITIES
    every = set(range(COUNT))
    assert set(read.column("/compared", "log_likelihood_ratio_nat")) == every
    assert set(read.column("/camera/image/keypoints", "positions")) == every
    (points,) = read.column("/map", "positions").values()
    assert len(points) == len(world().landmarks)
    found = read.column("/camera", "translation")
    assert len(found) == len(estimate) > COUNT // 2
    positions = np.concatenate([found[number] for number in sorted(found)])
    np.testing.assert_allclose(positions, estimate.T_map_camera[:, :3, 3], atol=1e-4)
    truth = read.column("/truth", "translation")
    np.testing.assert_allclose(truth[0][0], walk().T_map_camera[0, :3, 3], atol=1e-4)


def test_the_pose_that_was_found_is_the_best_of_those_compared(tmp_path: Path) -> None:
    _, file = replayed(tmp_path)
    read = Read(file)
    origins = read.column("/compared", "origins")
    scores = read.column("/compared", "log_likelihood_ratio_nat")
    rotations = read.column("/compared", "rotation")
    evidence = read.column("/figures/log_likelihood_ratio_nat", "scalars")
    found = read.column("/camera", "translation")
    for number, position in found.items():
        assert len(origins[number]) == len(scores[number]) == len(rotations[number]) / 9
        best = int(scores[number].argmax())
        np.testing.assert_allclose(origins[number][best], position[0], atol=1e-3)
        np.testing.assert_allclose(scores[number][best], evidence[number][0], rtol=1e-3)
    assert max(map(len, scores.values())) > 1


def test_the_demo_is_logged_with_what_the_node_published(tmp_path: Path) -> None:
    stream = make_stream(0, 2.0, 5.0, kidnaps=0)
    sent = Trajectory(
        np.arange(1, len(stream) + 1, dtype=np.int64) * 200_000_000, stream.path.T_map_camera
    )
    record = DemoRecord(sent, (), sent[:3], np.zeros(3), ())
    parameters = {
        "weights": str(demo_bundle()),
        "use_network": True,
        "use_likelihood_search": False,
    }
    write_frame_log(tmp_path / "demo.rrd", stream, record, parameters)
    read = Read(tmp_path / "demo.rrd")
    assert read.entities >= ENTITIES | {"/published"}
    assert set(read.column("/published", "translation")) == {0, 1, 2}
    assert set(read.column("/compared", "log_likelihood_ratio_nat")) == set(range(len(stream)))


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        rerun.Recording(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be written"):
        rerun.Recording(tmp_path / "file" / "walk.rrd")


def test_without_rerun_there_is_one_line_of_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rerun", None)
    arguments = parse_arguments(["bag", "--out", str(tmp_path), "--rerun", "walk.rrd"])
    with pytest.raises(ConfigError, match="pip install"):
        run(arguments, Console(file=io.StringIO()))
