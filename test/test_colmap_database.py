"""Sizes and angles of features in COLMAP's database reach the map, and through it the node."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from colmap_scene import IMAGES, SCENE, write_binary
from test_map_to_localizer import node_localizer

from bpnp_ros.point_map.loading import load_map
from bpnp_ros.point_map.sfm.sfm_model import SfmModel

METRES = 0.02  # what every feature measures, so that its scale in pixels says how far away it is
CLUTTER_SCALE = 7.0
ANGLE = np.pi / 2  # of every feature: downwards in the image


def scales(image: int) -> np.ndarray:
    """Of the keypoints of one image, in pixels: half a feature's diameter."""
    shown = SCENE.shown[image]
    depth = (SCENE.points @ SCENE.R[image].T + SCENE.t[image])[shown, 2]
    return np.where(shown >= 0, METRES / 2 * 500 / depth, CLUTTER_SCALE)


def write_database(path: Path, columns: int = 4, moved: float = 0.0) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE images (image_id INTEGER, name TEXT, camera_id INTEGER)")
        database.execute(
            "CREATE TABLE keypoints (image_id INTEGER, rows INTEGER, cols INTEGER, data BLOB)"
        )
        for image in range(IMAGES):
            xy = np.array([row[:2] for row in SCENE.keypoints(image)]) + moved
            s, zero = scales(image)[:, None], np.zeros((len(xy), 1))
            angle = np.full((len(xy), 1), ANGLE)
            table = {
                2: xy,
                4: np.hstack([xy, s, angle]),
                6: np.hstack([xy, zero, -s, s, zero]),  # turned by a right angle
            }[columns].astype("<f4")
            database.execute(
                "INSERT INTO images VALUES (?, ?, 1)", (image + 1, f"photo {image}.jpg")
            )
            values = (image + 1, *table.shape, table.tobytes())
            database.execute("INSERT INTO keypoints VALUES (?, ?, ?, ?)", values)
        database.commit()


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """As COLMAP leaves it: the model in sparse/0, database and images beside."""
    model = tmp_path / "sparse" / "0"
    model.mkdir(parents=True)
    write_binary(model)
    return tmp_path


@pytest.mark.parametrize("given", [".", "sparse", "sparse/0"])
@pytest.mark.parametrize("columns", [4, 6])
def test_sizes_in_metres_are_those_of_the_features(
    workspace: Path, given: str, columns: int
) -> None:
    write_database(workspace / "database.db", columns)
    size = load_map(workspace / given, scale=3.0).cues["size"]
    np.testing.assert_allclose(size[np.isfinite(size)], 3 * METRES, rtol=0.02)
    assert np.isfinite(size).mean() > 0.8


@pytest.mark.parametrize("columns", [4, 6])
def test_directions_in_the_map_are_those_of_the_features(workspace: Path, columns: int) -> None:
    write_database(workspace / "database.db", columns)
    model = SfmModel.from_colmap(workspace)
    directions = model.point_map().cues["angle"]
    known = np.isfinite(directions).all(axis=1)
    downwards = model.T_map_camera[:, :3, 1].mean(axis=0)
    assert known.mean() > 0.5
    assert (directions[known] @ downwards).min() > 0.7 * np.linalg.norm(downwards)


def test_sizes_reach_the_node_with_the_colours(workspace: Path) -> None:
    write_database(workspace / "database.db")
    cues = node_localizer(workspace / "sparse" / "0", scale=1.0).map_model.point_map.cues
    assert np.isfinite(cues["size"]).any() and (cues["rgb"] == [1, 2, 3]).all()


@pytest.mark.parametrize("database", ["none", "of no scales", "of others", "empty", "torn"])
def test_without_scales_of_these_very_keypoints_there_are_no_sizes(
    workspace: Path, database: str
) -> None:
    file = workspace / "database.db"
    if database in ("of no scales", "of others"):
        write_database(file, 2 if database == "of no scales" else 4, moved=5.0)
    elif database != "none":
        file.write_bytes(b"" if database == "empty" else b"SQLite format 3\0torn")
    model = SfmModel.from_colmap(workspace)
    assert model.keypoint_cues == {} and set(model.point_map().cues) == {"rgb"}
