"""A map from structure from motion with its mapping images: who saw which point, from where."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros.errors import MapError
from bpnp_ros.geometry.camera import Camera
from bpnp_ros.geometry.rotation import matrix_from_quaternion
from bpnp_ros.geometry.transform import invert, make_transform
from bpnp_ros.keypoints.lens import image_frustum, normalise
from bpnp_ros.point_map.cleaning import checked_scale, refuse_degenerate
from bpnp_ros.point_map.npz import read_npz, take_points
from bpnp_ros.point_map.point_map import PointMap
from bpnp_ros.point_map.sfm.colmap import ColmapImage, ColmapModel, model_folder, read_colmap
from bpnp_ros.point_map.sfm.colmap_camera import PIXEL_CENTRE, camera_from_colmap
from bpnp_ros.point_map.sfm.colmap_database import feature_cues
from bpnp_ros.point_map.sfm.cue_noise import cue_noise
from bpnp_ros.point_map.sfm.observed_cues import point_cues
from bpnp_ros.point_map.sfm.scene_file import check_scene, scene_camera, scene_cues


@dataclass(frozen=True, eq=False)
class SfmModel:
    """Points, and the images that saw them. The unit is arbitrary until `scaled`.

    points: (N, 3) float64. colors: (N, 3) uint8.
    T_map_camera: (I, 4, 4) float64. cameras, image_names: one an image.
    keypoints: (M, 2) float32 on the z = 1 plane, undistorted, image after image; those of image i
        are the rows keypoint_offsets[i] to keypoint_offsets[i + 1].
    keypoint_point: (M,) int64, the row of `points` that a keypoint shows, -1 for none.
    keypoint_cues: float32 columns (M, ...) as in `Keypoints`; see `observed_cues`.
    """

    points: NDArray[np.float64]
    colors: NDArray[np.uint8]
    T_map_camera: NDArray[np.float64]
    cameras: tuple[Camera, ...]
    image_names: tuple[str, ...]
    keypoint_offsets: NDArray[np.int64]
    keypoints: NDArray[np.float32]
    keypoint_point: NDArray[np.int64]
    keypoint_cues: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: str | Path) -> SfmModel:
        """A COLMAP folder or a scene in an .npz file. Raises MapError."""
        return cls.from_colmap(path) if Path(path).is_dir() else cls.from_npz(path)

    @classmethod
    def from_colmap(cls, folder: str | Path) -> SfmModel:
        """A COLMAP model, with sizes and angles of keypoints where its database is at hand. Raises
        MapError, also for camera models without an equal in ROS."""
        model = read_colmap(Path(folder))
        numbers = np.array(sorted(model.points), np.int64)
        images = sorted(model.images.values(), key=lambda image: image.name)
        cameras = _cameras_of(images, model)
        keypoints, shown, usable = _normalised(images, cameras, numbers)
        cues = feature_cues(model_folder(Path(folder)) or Path(folder), images) or {}
        colors = b"".join(model.points[number].rgb for number in numbers)
        return cls(
            points=np.array([model.points[n].xyz for n in numbers], np.float64).reshape(-1, 3),
            colors=np.frombuffer(colors, np.uint8).reshape(-1, 3),
            T_map_camera=_poses(
                matrix_from_quaternion(
                    torch.tensor(np.array([image.q_xyzw for image in images]).reshape(-1, 4))
                ),
                np.array([image.t for image in images]).reshape(-1, 3),
            ),
            cameras=cameras,
            image_names=tuple(image.name for image in images),
            keypoint_offsets=np.cumsum([0, *(len(xy) for xy in keypoints)]),
            keypoints=np.concatenate([np.zeros((0, 2), np.float32), *keypoints]),
            keypoint_point=np.concatenate([np.zeros(0, np.int64), *shown]),
            keypoint_cues={name: column[usable] for name, column in cues.items()},
        )._finite()

    @classmethod
    def from_npz(cls, path: str | Path) -> SfmModel:
        """A scene in one file: points3d, per image R, t (world-to-camera), fx, width, height,
        keypoints on the z = 1 plane as kp_offsets, kp_xy, kp_point3d; cam_model and cam_params as
        in COLMAP, image_names and points3d_rgb are optional, as are cues of the keypoints: kp_size
        (px), kp_angle (rad), kp_sign and kp_rgb (0 to 255). Raises MapError.
        """
        return cls.from_arrays(read_npz(Path(path)), Path(path))

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]], path: Path) -> SfmModel:
        """The arrays of `from_npz`, which may be mapped from files; `path` is for messages."""
        points = take_points(arrays, path)
        check_scene(arrays, len(points), path)
        names = arrays.get("image_names", np.arange(len(arrays["R"])))
        return cls(
            points=points,
            colors=arrays.get("points3d_rgb", np.zeros(points.shape)).astype(np.uint8),
            T_map_camera=_poses(torch.tensor(arrays["R"], dtype=torch.float64), arrays["t"]),
            cameras=tuple(scene_camera(arrays, image, path) for image in range(len(names))),
            image_names=tuple(str(name) for name in names),
            keypoint_offsets=arrays["kp_offsets"].astype(np.int64),
            keypoints=arrays["kp_xy"].astype(np.float32, copy=False),
            keypoint_point=arrays["kp_point3d"].astype(np.int64, copy=False),
            keypoint_cues=scene_cues(arrays),
        )._finite()

    @staticmethod
    def is_scene(names: Collection[str]) -> bool:
        """Whether an .npz file with arrays of these names holds a scene, and not points alone."""
        return "kp_offsets" in names

    def _finite(self) -> SfmModel:
        finite = np.asarray(np.isfinite(self.points).all(axis=1))
        return self if finite.all() else self.with_points(finite)

    def __len__(self) -> int:
        return len(self.points)

    @property
    def image_count(self) -> int:
        return len(self.T_map_camera)

    def keypoints_of(self, image: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Keypoints (m, 2) of one image and the point (m,) that each shows, -1 for none."""
        rows = slice(self.keypoint_offsets[image], self.keypoint_offsets[image + 1])
        return self.keypoints[rows], self.keypoint_point[rows]

    def in_view_of(self, image: int) -> NDArray[np.bool_]:
        """Which points (N,) are in front of one image's camera and inside its frame."""
        T_map_camera = self.T_map_camera[image]
        in_camera = (self.points - T_map_camera[:3, 3]) @ T_map_camera[:3, :3]
        in_view = in_camera[:, 2] > 0
        xy = in_camera[in_view, :2] / in_camera[in_view, 2:]
        in_view[in_view] = image_frustum(self.cameras[image]).contains(xy)
        return in_view

    def depths_of(self, image: int) -> NDArray[np.float64]:
        """Depths (m,) of the points that the keypoints of one image show."""
        T_map_camera, (_, shown) = self.T_map_camera[image], self.keypoints_of(image)
        return (self.points[shown[shown >= 0]] - T_map_camera[:3, 3]) @ T_map_camera[:3, 2]

    def covering_camera(self) -> Camera:
        """Without distortion, of median focal length; it sees what any camera of the model sees."""
        views = [image_frustum(camera) for camera in self.cameras]
        f = 1 / float(np.median([view.pixel for view in views]))
        left, top = f * min(v.x_min for v in views), f * min(v.y_min for v in views)
        right, bottom = f * max(v.x_max for v in views), f * max(v.y_max for v in views)
        K = np.array([[f, 0, -left], [0, f, -top], [0, 0, 1]])
        return Camera(K, int(np.ceil(right - left)), int(np.ceil(bottom - top)))

    @cached_property
    def median_depth(self) -> float:
        """Over all keypoints that show a point."""
        return float(np.median(np.concatenate([*map(self.depths_of, range(self.image_count))])))

    @property
    def keypoint_image(self) -> NDArray[np.int64]:
        """(M,): the image of each keypoint."""
        return np.repeat(np.arange(self.image_count), np.diff(self.keypoint_offsets))

    @cached_property
    def sightings(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which image (S,), ascending, saw which point (S,): each pair once."""
        matched = self.keypoint_point >= 0
        pairs = np.unique(self.keypoint_image[matched] * len(self) + self.keypoint_point[matched])
        return np.divmod(pairs, max(len(self), 1))

    @cached_property
    def track_length(self) -> NDArray[np.int64]:
        """(N,): how many of the images saw each point."""
        return np.bincount(self.sightings[1], minlength=len(self))

    @cached_property
    def detectability(self) -> NDArray[np.float32]:
        """(N,): share of the images with the point in view that saw it, at least once in them all.

        Whether something hides the point is not known, so of points that are often hidden it is
        too low.
        """
        in_view = np.zeros(len(self), np.int64)
        for image in range(self.image_count):
            in_view += self.in_view_of(image)
        seen = np.maximum(self.track_length, 1)
        return (seen / np.maximum(in_view, seen)).astype(np.float32)

    def with_images(self, images: Sequence[int] | NDArray[np.integer]) -> SfmModel:
        """Some of the images; all points stay, also those that none of these images saw."""
        chosen = np.asarray(images, np.int64)
        ends = self.keypoint_offsets
        slices = [np.arange(ends[image], ends[image + 1]) for image in chosen]
        rows = np.concatenate([np.zeros(0, np.int64), *slices])
        offsets = np.concatenate([[0], np.cumsum([len(some) for some in slices])]).astype(np.int64)
        return replace(
            self,
            T_map_camera=self.T_map_camera[chosen],
            cameras=tuple(self.cameras[image] for image in chosen),
            image_names=tuple(self.image_names[image] for image in chosen),
            keypoint_offsets=offsets,
            keypoints=self.keypoints[rows],
            keypoint_point=self.keypoint_point[rows],
            keypoint_cues={name: cue[rows] for name, cue in self.keypoint_cues.items()},
        )

    def with_points(self, keep: NDArray[np.bool_]) -> SfmModel:
        """The points where `keep` (N,) holds; keypoints of the others show no point any more."""
        new_row = np.append(np.where(keep, np.cumsum(keep) - 1, -1), -1)  # last: for row -1
        return replace(
            self,
            points=self.points[keep],
            colors=self.colors[keep],
            keypoint_point=new_row[self.keypoint_point],
        )

    def subset(
        self, images: Sequence[int] | NDArray[np.integer], min_observations: int = 2
    ) -> SfmModel:
        """What some of the images saw: those images, and the points at least so many of them saw.

        For test images on the same points: `model.with_images(test).with_points(keep)` with
        `keep = model.with_images(mapping).track_length >= min_observations`.
        """
        part = self.with_images(images)
        return part.with_points(part.track_length >= min_observations)

    def scaled(self, scale: float | None) -> SfmModel:
        """The same model in metres, `scale` being metres per unit (None: unchanged)."""
        factor = checked_scale(scale)
        poses = self.T_map_camera.copy()
        poses[:, :3, 3] *= factor
        return replace(self, points=self.points * factor, T_map_camera=poses)

    def point_map(self, scale: float | None = None) -> PointMap:
        """The map for a localiser; its row i is row i of `points`, times `scale`."""
        model = self.scaled(scale)
        refuse_degenerate(model.points)
        plain = PointMap.recentred(model.points, self.detectability, point_cues(model))
        return replace(plain, photographs=model, cue_noise=cue_noise(model))


def _poses(R: torch.Tensor, t: NDArray[np.floating]) -> NDArray[np.float64]:
    """World-to-camera R (I, 3, 3) and t (I, 3) -> T_map_camera (I, 4, 4)."""
    world_to_camera = make_transform(R, torch.tensor(t, dtype=torch.float64))
    return invert(world_to_camera).numpy()


def _cameras_of(images: list[ColmapImage], model: ColmapModel) -> tuple[Camera, ...]:
    cameras = {number: camera_from_colmap(camera) for number, camera in model.cameras.items()}
    orphan = next((image for image in images if image.camera_id not in cameras), None)
    if orphan is not None:
        raise MapError(f"image {orphan.name} of the COLMAP model has no camera; copy all of it.")
    return tuple(cameras[image.camera_id] for image in images)


def _normalised(
    images: list[ColmapImage], cameras: tuple[Camera, ...], numbers: NDArray[np.int64]
) -> tuple[list[NDArray[np.float32]], list[NDArray[np.int64]], NDArray[np.bool_]]:
    """Keypoints of each image on the z = 1 plane, and their rows in the sorted point `numbers`; and
    which of all keypoints these are."""
    keypoints, shown, kept = [], [], [np.zeros(0, bool)]
    for image, camera in zip(images, cameras, strict=True):
        xy = normalise(image.keypoints - PIXEL_CENTRE, camera).astype(np.float32)
        usable = np.asarray(np.isfinite(xy).all(axis=1))
        ids = image.point_ids[usable]
        row = np.searchsorted(numbers, ids)
        known = np.append(numbers, -1)[row] == ids
        kept.append(usable)
        keypoints.append(xy[usable])
        shown.append(np.where(known & (ids >= 0), row, -1))
    return keypoints, shown, np.concatenate(kept)
