"""bpnp_make_bag: a scene becomes a bag whose map, keypoints and poses fit together."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="needs rosbags: pip install '.[bags]'")
cv2 = pytest.importorskip("cv2")

from orbit import CAMERA, orbit, write_scene
from rich.console import Console

from bpnp_ros.bags.reading import Bag
from bpnp_ros.demo.stream import make_stream
from bpnp_ros.errors import BagError, MapError
from bpnp_ros.keypoints.keypoints import keypoints_from_pixels
from bpnp_ros.point_map.sfm.sfm_model import SfmModel
from bpnp_ros.runtime.conversions import (
    read_bare_pose,
    read_camera,
    read_image,
    read_keypoints,
    read_map_points,
)
from bpnp_ros.tools.make_bag import parse_arguments, run
from bpnp_ros.tools.replay import parse_arguments as replay_arguments
from bpnp_ros.tools.replay import run as run_replay

IMAGES, HOLD_OUT = 24, 6


@pytest.fixture(scope="module")
def scene_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = tuple(f"photo {number}.png" for number in range(IMAGES))
    scene = replace(orbit(IMAGES), image_names=names)
    return write_scene(scene, tmp_path_factory.mktemp("scene") / "orbit.npz")


def make(scene: Path, out: Path, *words: str) -> Path:
    run(parse_arguments([str(scene), "--out", str(out), "--hold-out", str(HOLD_OUT), *words]))
    return out


def photographs(folder: Path) -> Path:
    """A picture for each image of the scene, its number in its brightness."""
    folder.mkdir()
    for number in range(IMAGES):
        cv2.imwrite(str(folder / f"photo {number}.png"), np.full((480, 640), number, np.uint8))
    return folder


def first(bag: Bag) -> dict[str, Any]:
    return {topic: bag.first(topic) for topic in bag.topics}


def test_the_true_pose_lays_the_map_onto_the_keypoints(scene_file: Path, tmp_path: Path) -> None:
    with Bag(make(scene_file, tmp_path / "bag")) as bag:
        there = first(bag)
    camera = read_camera(there["/camera/camera_info"])
    pixels, score = read_keypoints(there["/camera/keypoints"])
    points = read_map_points(there["/point_map"])
    T = read_bare_pose(there["/reference/camera_pose"].pose)
    in_camera = (points - T[:3, 3]) @ T[:3, :3]
    xy = in_camera[:, :2] / in_camera[:, 2:]
    seen = keypoints_from_pixels(pixels, camera, score).xy
    off = np.linalg.norm(seen[:, None] - xy[None], axis=2).min(axis=1) * CAMERA.K[0, 0]
    assert np.median(off) < 2.0


def test_played_photographs_have_no_part_in_the_map(scene_file: Path, tmp_path: Path) -> None:
    with Bag(make(scene_file, tmp_path / "bag")) as bag:
        assert bag.topics["/camera/keypoints"].count == IMAGES // HOLD_OUT
        first_played = read_bare_pose(bag.first("/reference/camera_pose").pose)
        points = len(read_map_points(bag.first("/point_map")))
    scene = SfmModel.from_npz(scene_file)
    played = np.arange(HOLD_OUT // 2, IMAGES, HOLD_OUT)
    mapping = scene.with_images(np.setdiff1d(np.arange(IMAGES), played))
    assert points <= (mapping.track_length >= 2).sum()
    T = scene.T_map_camera[played[0]]
    np.testing.assert_allclose(first_played[:3, :3], T[:3, :3], atol=1e-6)


def test_neither_order_nor_score_tells_matched_keypoints(scene_file: Path, tmp_path: Path) -> None:
    with Bag(make(scene_file, tmp_path / "bag")) as bag:
        pixels, score = read_keypoints(bag.first("/camera/keypoints"))
    xy, _ = SfmModel.from_npz(scene_file).keypoints_of(HOLD_OUT // 2)
    original = xy @ CAMERA.K[:2, :2].T + CAMERA.K[:2, 2]
    assert not np.allclose(pixels[: len(original)], original[: len(pixels)], atol=1.0)
    assert score is not None and len(np.unique(score)) == len(score)


def test_the_scale_is_the_users_or_makes_the_median_depth_three_metres(
    scene_file: Path, tmp_path: Path
) -> None:
    position = SfmModel.from_npz(scene_file).T_map_camera[HOLD_OUT // 2, :3, 3]
    with Bag(make(scene_file, tmp_path / "known", "--scale", "2.5")) as bag:
        T = read_bare_pose(bag.first("/reference/camera_pose").pose)
        np.testing.assert_allclose(T[:3, 3], 2.5 * position, atol=1e-6)
        depths = (read_map_points(bag.first("/point_map")) - T[:3, 3]) @ T[:3, 2]
        assert np.median(depths) == pytest.approx(2.5 * 3, rel=0.2)
    with Bag(make(scene_file, tmp_path / "unknown")) as bag:
        T = read_bare_pose(bag.first("/reference/camera_pose").pose)
        depths = (read_map_points(bag.first("/point_map")) - T[:3, 3]) @ T[:3, 2]
        assert np.median(depths) == pytest.approx(3, rel=0.2)


def test_photographs_come_along_under_the_stamp_of_their_keypoints(
    scene_file: Path, tmp_path: Path
) -> None:
    folder = photographs(tmp_path / "photographs")
    with Bag(make(scene_file, tmp_path / "bag", "--photographs", str(folder))) as bag:
        there = first(bag)
        image = there["/camera/image_raw/compressed"]
        assert read_image(image).grey[0, 0] == HOLD_OUT // 2
        assert image.header == there["/camera/keypoints"].header
    (folder / f"photo {HOLD_OUT // 2}.png").unlink()
    with pytest.raises(BagError, match="is missing; --photographs"):
        make(scene_file, tmp_path / "other", "--photographs", str(folder))


def test_an_existing_bag_stays(scene_file: Path, tmp_path: Path) -> None:
    make(scene_file, tmp_path / "bag")
    with pytest.raises(BagError, match="exists already"):
        make(scene_file, tmp_path / "bag")


def test_a_scene_of_too_few_photographs_is_refused(tmp_path: Path) -> None:
    scene = write_scene(orbit(1), tmp_path / "one.npz")
    with pytest.raises(MapError):
        make(scene, tmp_path / "bag")


def test_with_its_bundle_the_bag_can_be_replayed(scene_file: Path, tmp_path: Path) -> None:
    weights = tmp_path / "orbit.safetensors"
    bag = make(scene_file, tmp_path / "bag", "--bundle", str(weights), "--hold-out", "12")
    words = [str(bag), "--out", str(tmp_path / "out"), "--weights", str(weights)]
    words += ["--set", "bank_views=2000"]
    assert run_replay(replay_arguments(words), Console(file=io.StringIO())) == 0
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["map"]["notes"] == [] and metrics["fixes"] >= 1
    assert metrics["against_truth"]["false_poses"] == 0


def test_the_demos_walk_becomes_a_bag_with_its_truth(tmp_path: Path) -> None:
    run(parse_arguments(["demo", "--out", str(tmp_path / "bag"), "--duration", "2"]))
    stream = make_stream(0, 2.0, 10.0, 1)
    with Bag(tmp_path / "bag") as bag:
        assert bag.topics["/camera/keypoints"].count == len(stream) == 20
        pixels, score = read_keypoints(bag.first("/camera/keypoints"))
        T = read_bare_pose(bag.first("/reference/camera_pose").pose)
    assert score is not None
    np.testing.assert_array_equal(np.column_stack([pixels, score]), stream.keypoints[0])
    np.testing.assert_allclose(T, stream.path.T_map_camera[0], atol=1e-12)
