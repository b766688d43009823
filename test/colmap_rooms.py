"""The rooms as a COLMAP model: what a camera on its walk photographed, as text files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from rooms import CAMERA, world

from bpnp_ros.geometry.rotation import quaternion_from_matrix
from bpnp_ros.simulation.boxes import Array
from bpnp_ros.simulation.observation import DetectorNoise, Observation, observe


def write_colmap(folder: Path, poses: Array, unit: float) -> Path:
    """A model of the rooms out of photographs from poses (I, 4, 4), in units of `unit` metres."""
    rng = np.random.default_rng(0)
    photographs = [observe(world(), T, CAMERA, DetectorNoise(), rng) for T in poses]
    (fx, _, cx), (_, fy, cy), _ = CAMERA.K.tolist()
    lens = f"1 PINHOLE {CAMERA.width} {CAMERA.height} {fx!r} {fy!r} {cx + 0.5!r} {cy + 0.5!r}\n"
    (folder / "cameras.txt").write_text(lens)
    lines = [
        line
        for number, (T, seen) in enumerate(zip(poses, photographs, strict=True), start=1)
        for line in _image(number, T, seen, unit)
    ]
    (folder / "images.txt").write_text("\n".join(lines) + "\n")
    rows = enumerate((world().landmarks / unit).tolist())
    points = "".join(f"{n} {x!r} {y!r} {z!r} 90 90 90 0.5 1 0\n" for n, (x, y, z) in rows)
    (folder / "points3D.txt").write_text(points)
    return folder


def _image(number: int, T_map_camera: Array, seen: Observation, unit: float) -> tuple[str, str]:
    R = T_map_camera[:3, :3].T
    x, y, z, w = quaternion_from_matrix(torch.from_numpy(R.copy())).tolist()
    tx, ty, tz = (-R @ T_map_camera[:3, 3] / unit).tolist()
    shown = zip((seen.pixels + 0.5).tolist(), seen.landmark.tolist(), strict=True)
    keypoints = " ".join(f"{u!r} {v!r} {n}" for (u, v), n in shown)
    return f"{number} {w!r} {x!r} {y!r} {z!r} {tx!r} {ty!r} {tz!r} 1 {number}.jpg", keypoints
