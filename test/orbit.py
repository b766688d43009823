"""A made-up structure-from-motion scene: cameras around a table with points, shared by tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bpnp_ros.geometry.camera import Camera
from bpnp_ros.point_map.sfm.sfm_model import SfmModel

CAMERA = Camera(np.array([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]]), 640, 480)
CLUTTER = 40  # keypoints an image that show no point
NOISE = 0.5  # pixels
DETECTED = 0.7


def orbit(images: int = 24, points: int = 300, seed: int = 0) -> SfmModel:
    """Photographs from an arc 3 m around the points, all looking at their middle."""
    rng = np.random.default_rng(seed)
    cloud = rng.uniform([-0.8, -0.8, -0.4], [0.8, 0.8, 0.4], (points, 3))
    poses = np.stack([_looking_inwards(angle) for angle in np.linspace(0, 1.5, images)])
    sights = [_photograph(cloud, pose, rng) for pose in poses]
    return SfmModel(
        points=cloud,
        colors=np.zeros((points, 3), np.uint8),
        T_map_camera=poses,
        cameras=(CAMERA,) * images,
        image_names=tuple(f"photo {i}" for i in range(images)),
        keypoint_offsets=np.cumsum([0, *(len(xy) for xy, _ in sights)]),
        keypoints=np.concatenate([xy for xy, _ in sights]),
        keypoint_point=np.concatenate([shown for _, shown in sights]),
    )


def write_scene(model: SfmModel, path: Path) -> Path:
    """The model as the .npz file that `SfmModel.from_npz` reads."""
    world_to_camera = np.linalg.inv(model.T_map_camera)
    np.savez(
        path,
        points3d=model.points,
        R=world_to_camera[:, :3, :3],
        t=world_to_camera[:, :3, 3],
        fx=[camera.K[0, 0] for camera in model.cameras],
        width=[camera.width for camera in model.cameras],
        height=[camera.height for camera in model.cameras],
        image_names=model.image_names,
        kp_offsets=model.keypoint_offsets,
        kp_xy=model.keypoints,
        kp_point3d=model.keypoint_point,
    )
    return path


def _looking_inwards(angle: float) -> np.ndarray:
    z = -np.array([np.cos(angle), np.sin(angle), 0.3 + 0.1 * np.sin(5 * angle)])
    z /= np.linalg.norm(z)
    x = np.cross([0.0, 0, -1], z)
    x /= np.linalg.norm(x)
    pose = np.eye(4)
    pose[:3, :3] = np.column_stack([x, np.cross(z, x), z])
    pose[:3, 3] = -3 * z
    return pose


def _photograph(
    cloud: np.ndarray, pose: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Keypoints on the z = 1 plane and the points that they show."""
    in_camera = (cloud - pose[:3, 3]) @ pose[:3, :3]
    xy = in_camera[:, :2] / in_camera[:, 2:] + rng.normal(0, NOISE / 500, (len(cloud), 2))
    shown = np.flatnonzero(CAMERA.frustum().contains(xy) & (rng.random(len(cloud)) < DETECTED))
    clutter = rng.uniform([-0.6, -0.45], [0.6, 0.45], (CLUTTER, 2))
    keypoints = np.concatenate([xy[shown], clutter]).astype(np.float32)
    return keypoints, np.append(shown, np.full(CLUTTER, -1))
