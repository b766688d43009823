"""Maps that are not what they were, or not enough: each with a node of its own, over real DDS."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2, or its wheels (docs/installation.md)")
from colmap_rooms import write_colmap
from rooms import world
from stage import map_server, staged, walk


def test_map_shifted(tmp_path: Path) -> None:
    """Poses are in the map that is there, not where they were in another."""
    offset = np.array([0.7, -0.4, 0.0])
    with staged(world().landmarks + offset, tmp_path / "node.log") as stage:
        stage.offset = offset
        with stage.nothing_wrong():
            stage.until_right(walk()[:12])


def test_identical_rooms(tmp_path: Path) -> None:
    """Where two places look the same neither is published, until somebody says which it is."""
    elsewhere = world().landmarks + np.array([40.0, 0, 0])
    with staged(np.concatenate([world().landmarks, elsewhere]), tmp_path / "node.log") as stage:
        reports = stage.follow(walk()[:6])
        assert {report.category for report in reports} <= {"AMBIGUOUS", "NOT_VERIFIED"}
        assert "AMBIGUOUS" in {report.category for report in reports}
        assert stage.link.poses == []
        with stage.nothing_wrong():
            stage.give_initial_pose(walk()[6])
            stage.until_right(walk()[6:16])


def test_straight_row_of_lamps(tmp_path: Path) -> None:
    """Turning about the row changes nothing in the image: nothing is published, and said why."""
    row = np.column_stack([np.arange(12.0), np.full(12, 3.0), np.full(12, 2.5)])
    with staged(row, tmp_path / "node.log", waits=False) as stage:
        rng = np.random.default_rng(0)
        stage.link.spin(10.0, lambda: bool(stage.link.status.get("map_refused")))
        pixels = np.column_stack([np.linspace(50, 600, 12), np.full(12, 180.0)])
        report = stage.send(pixels + rng.normal(size=pixels.shape), np.eye(4))
        assert report.category == "NO_MAP" and "line" in stage.link.message
        assert stage.link.poses == []


def test_restart_of_the_map_server(tmp_path: Path) -> None:
    """The map is kept while nobody publishes it; a node that starts later gets it anew."""
    file, log = tmp_path / "map.xyz", tmp_path / "server.log"
    np.savetxt(file, world().landmarks)
    with staged(None, tmp_path / "node.log", waits=False) as stage, stage.nothing_wrong():
        with map_server(file, log):
            stage.get_ready()
            stage.until_right(walk()[:8])
        stage.until_right(walk()[8:12])
        with map_server(file, log):
            stage.restart_node()
            stage.until_right(walk()[12:20])


def test_folder_of_a_colmap_model(tmp_path: Path) -> None:
    """Its cameras and what they saw are used as they are; poses are in metres, as told."""
    folder, log = write_colmap(tmp_path, walk()[0:120:6], unit=0.5), tmp_path / "node.log"
    with (
        staged(None, log, map_file=str(folder), map_scale=0.5, bank_views=2000) as stage,
        stage.nothing_wrong(),
    ):
        assert stage.until_right(walk()[3:60:12]) <= 2
        stage.follow(walk()[75:90:3])
        assert len(stage.link.poses) >= 4
