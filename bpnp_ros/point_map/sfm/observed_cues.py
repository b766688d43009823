"""What a model's photographs say of its keypoints, and so of its points: colour, size, sign, angle.

Neither COLMAP's tables nor scenes in a file hold the scales of keypoints, so a detector looks at
the photographs again: a keypoint is what is detected at its place.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.backends.opencv import detect_sift, nearest
from bpnp_ros.errors import BpnpError, MapError
from bpnp_ros.keypoints.image import Image, decode_compressed
from bpnp_ros.keypoints.image_cues import colours, signs
from bpnp_ros.keypoints.lens import denormalise, image_frustum
from bpnp_ros.point_map.sfm.orientation import point_directions

if TYPE_CHECKING:
    from bpnp_ros.point_map.sfm.sfm_model import SfmModel

Cues = dict[str, NDArray[np.float32]]

SAME_PLACE = 1.5  # pixels
FAINTEST = 0.02  # contrast: COLMAP keeps features half as faint as OpenCV does
MOST_FEATURES = 10_000
_ONE_NUMBER = ("size", "sign", "angle")
SEEN_CUES = ("rgb", *_ONE_NUMBER)


def with_photographs(model: SfmModel, folder: Path) -> SfmModel:
    """The same model with cues of its keypoints, read out of the photographs in a folder.

    Photographs that are not there say nothing. Raises MapError where none is, or for one of
    another size than its camera.
    """
    read = [_cues_of(model, image, folder) for image in range(model.image_count)]
    if not any(cues is not None for cues in read):
        raise MapError(f"{folder} holds none of the photographs, such as {model.image_names[0]}.")
    counts = np.diff(model.keypoint_offsets)
    filled = [
        _unknown(count) if cues is None else cues for cues, count in zip(read, counts, strict=True)
    ]
    joined = {name: np.concatenate([cues[name] for cues in filled]) for name in filled[0]}
    return replace(model, keypoint_cues=joined)


def _cues_of(model: SfmModel, image: int, folder: Path) -> Cues | None:
    name, camera = model.image_names[image], model.cameras[image]
    file = next((f for f in (folder / name, folder / Path(name).name) if f.is_file()), None)
    if file is None:
        return None
    try:
        photograph = decode_compressed(file.read_bytes())
    except BpnpError as error:
        raise MapError(f"{file}: {error}") from error
    if photograph.size != (camera.width, camera.height):
        width, height = photograph.size
        raise MapError(
            f"{file} has {width} x {height} pixels, its camera in the model {camera.width} x "
            f"{camera.height}; give the photographs that the model was made of."
        )
    return keypoint_cues(photograph, denormalise(model.keypoints_of(image)[0], camera))


def keypoint_cues(photograph: Image, pixels: NDArray[np.floating]) -> Cues:
    """Cues of keypoints (M, 2) of a photograph, NaN where unknown: those of what is detected there,
    and colours everywhere."""
    found = detect_sift(photograph.grey, MOST_FEATURES, FAINTEST)
    cues = _unknown(len(pixels))
    row, apart = nearest(np.stack([found["u"], found["v"]], axis=1), pixels)
    there = apart < SAME_PLACE
    if there.any():
        for name in ("size", "angle"):
            cues[name][there] = found[name][row[there]]
        cues["sign"][there] = signs(photograph.grey, pixels[there], cues["size"][there])
    if photograph.rgb is not None:
        cues["rgb"] = colours(photograph.rgb, pixels, cues["size"]).astype(np.float32)
    return cues


def _unknown(count: int) -> Cues:
    shapes = dict.fromkeys(_ONE_NUMBER, (count,)) | {"rgb": (count, 3)}
    return {name: np.full(shape, np.nan, np.float32) for name, shape in shapes.items()}


def point_cues(model: SfmModel) -> dict[str, NDArray[Any]]:
    """The cues of a `PointMap` from those of the model's keypoints, in the model's unit.

    Medians of colour and size over the photographs, the mean sign, and the mean direction.
    """
    cues: dict[str, NDArray[Any]] = {"rgb": model.colors}
    shown = np.flatnonzero(model.keypoint_point >= 0)
    point, seen = model.keypoint_point[shown], model.keypoint_cues
    if not seen or not len(shown):
        return cues
    N = len(model)
    if "size" in seen:
        cues["size"] = _medians(point, keypoint_sizes(model)[shown], N)
    if "sign" in seen:
        cues["sign"] = _means(point, seen["sign"][shown], N)
    if "angle" in seen:
        cues["angle"] = point_directions(model)
    if "rgb" in seen:
        channels = [_medians(point, seen["rgb"][shown, c], N) for c in range(3)]
        cues["rgb"] = _whole_colours(np.stack(channels, axis=1))
    return cues


def keypoint_sizes(model: SfmModel) -> NDArray[np.float64]:
    """(M,) in the model's unit, of the keypoints that show a point."""
    image, point = model.keypoint_image, model.keypoint_point
    T = model.T_map_camera[image]
    depth = np.einsum("ka,ka->k", model.points[point] - T[:, :3, 3], T[:, :3, 2])
    pixel = np.array([image_frustum(camera).pixel for camera in model.cameras])[image]
    shown = (point >= 0) & (depth > 0)
    return np.where(shown, model.keypoint_cues["size"] * pixel * depth, np.nan)


def _whole_colours(rgb: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(N, 3), black where unknown, and nowhere else."""
    known = np.isfinite(rgb).all(axis=1, keepdims=True)
    return np.where(known, np.nan_to_num(rgb).round().clip(1, 255), 0).astype(np.uint8)


def _medians(point: NDArray[np.int64], values: NDArray[Any], count: int) -> NDArray[np.float32]:
    """(count,) of each point's finite values, the lower of two; NaN where there is none."""
    finite = np.isfinite(values)
    order = np.lexsort((values[finite], point[finite]))
    points, first, many = np.unique(point[finite][order], return_index=True, return_counts=True)
    medians = np.full(count, np.nan, np.float32)
    medians[points] = values[finite][order][first + (many - 1) // 2]
    return medians


def _means(point: NDArray[np.int64], values: NDArray[Any], count: int) -> NDArray[np.float32]:
    finite = np.isfinite(values)
    many = np.bincount(point[finite], minlength=count)
    total = np.bincount(point[finite], values[finite], count)
    return np.where(many > 0, total / np.maximum(many, 1), np.nan).astype(np.float32)
