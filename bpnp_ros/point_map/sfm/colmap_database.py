"""Sizes and orientations of features out of the database.db that COLMAP keeps beside its models.

A model's own tables hold places of keypoints alone; the database holds their shapes, too.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.point_map.sfm.colmap import ColmapImage

_log = logging.getLogger(__name__)

DATABASE = "database.db"
FOLDERS_UP = 3  # a model lies in sparse/0 of the workspace that has the database
DIAMETER = 2.0  # scales of a feature, as the sift detector measures it
_KEYPOINTS = (
    "SELECT name, rows, cols, data FROM keypoints JOIN images ON images.image_id = "
    "keypoints.image_id"
)
_SAME_PLACE = 0.01  # pixels
_SHAPE, _ROUND = 6, 4  # columns of a keypoint with an affine shape, with scale and orientation


def feature_cues(
    folder: Path, images: Sequence[ColmapImage]
) -> dict[str, NDArray[np.float32]] | None:
    """`size`, the diameter in pixels, and `angle` (rad) of all images' keypoints, one after the
    other, NaN where unknown; None without any.

    folder: of the model. A database that cannot be read, or is of other keypoints, says nothing.
    """
    file = next((f for f in _places(folder) if f.is_file()), None)
    if file is None:
        return None
    try:
        with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)) as database:
            stored = {name: table for name, *table in database.execute(_KEYPOINTS)}
        tables = [_of_image(image, *stored.get(image.name, (0, 0, b""))) for image in images]
    except (sqlite3.Error, ValueError, TypeError) as error:
        _log.warning("%s cannot be read (%s): the map's points have no sizes.", file, error)
        return None
    size, angle = np.concatenate([np.zeros((0, 2), np.float32), *tables]).T
    return {"size": size, "angle": angle} if np.isfinite(size).any() else None


def _places(folder: Path) -> list[Path]:
    here = folder.resolve()
    return [above / DATABASE for above in (here, *here.parents)[:FOLDERS_UP]]


def _of_image(image: ColmapImage, rows: int, columns: int, data: bytes) -> NDArray[np.float32]:
    """Size and angle (M, 2)."""
    unknown = np.full((len(image.keypoints), 2), np.nan, np.float32)
    if rows != len(image.keypoints) or columns not in (_ROUND, _SHAPE):
        return unknown
    table = np.frombuffer(data, "<f4").reshape(rows, columns)
    if rows == 0 or np.abs(table[:, :2] - image.keypoints).max() > _SAME_PLACE:
        return unknown
    scale, angle = table[:, 2:].T if columns == _ROUND else _of_shape(table[:, 2:])
    known = (scale > 0) & np.isfinite(angle)
    cues = np.stack([DIAMETER * scale, angle], axis=1)
    return np.asarray(np.where(known[:, None], cues, np.nan), np.float32)


def _of_shape(shape: NDArray[np.float32]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Scale and orientation of affine shapes a11, a12, a21, a22 (M, 4), as COLMAP takes them."""
    x, y = np.hypot(shape[:, 0], shape[:, 2]), np.hypot(shape[:, 1], shape[:, 3])
    return (x + y) / 2, np.arctan2(shape[:, 2], shape[:, 0])
