"""Scenes from structure from motion with damage: .npz files and COLMAP's folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from colmap_scene import scene_arrays, write_binary, write_text
from fuzz.damage import damage_one_of, odd_npz
from fuzz.kind import Kind

from bpnp_ros.point_map.loading import load_map
from bpnp_ros.point_map.sfm.sfm_model import SfmModel


def _scene(rng: np.random.Generator, folder: Path) -> Path:
    path = folder / "scene.npz"
    path.write_bytes(odd_npz(scene_arrays(), rng))
    return path


def _colmap(rng: np.random.Generator, folder: Path) -> Path:
    write_text(folder) if rng.random() < 0.5 else write_binary(folder)
    damage_one_of(folder, rng)
    return folder


def _take_model(path: Path) -> None:
    model = SfmModel.load(path)
    assert np.isfinite(model.points).all(), "points that are not finite"
    assert np.isfinite(model.T_map_camera).all(), "poses that are not finite"
    for image in range(len(model.T_map_camera)):
        xy, shown = model.keypoints_of(image)
        assert np.isfinite(xy).all() and shown.max(initial=-1) < len(model.points), "odd keypoints"


def _take_map(path: Path) -> None:
    point_map = load_map(path, 1.0)
    assert len(point_map) and np.isfinite(point_map.points).all(), "points that are not finite"


KINDS = {
    "scene": Kind(_scene, _take_model),
    "COLMAP model": Kind(_colmap, _take_model),
    "COLMAP map": Kind(_colmap, _take_map),
}
