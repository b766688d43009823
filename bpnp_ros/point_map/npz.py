"""Read arrays out of an .npz file, without running anything that it may hold."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.errors import MapError

MOST_BYTES = 3 << 29


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of an .npz file by name. Raises MapError for other, damaged and huge files."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > MOST_BYTES:
            raise MapError(f"{path} unpacks to {size / 2**30:.1f} GiB; keep only what a map needs.")
        with np.load(path, allow_pickle=False) as arrays:
            entries = {name: arrays[name] for name in arrays.files}
    except MapError:
        raise
    except zipfile.BadZipFile as error:
        raise MapError(
            f"{path} is no .npz file or was cut off ({error}); copy it again."
        ) from error
    except Exception as error:  # what zip, npy and the decompressors raise has no common base
        why = error or type(error).__name__
        raise MapError(f"{path} cannot be read ({why}); copy it again.") from error
    return {name: entry for name, entry in entries.items() if isinstance(entry, np.ndarray)}


def npz_names(path: Path) -> set[str]:
    """The names of the arrays, without reading them; none of a file that is not .npz."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {name.removesuffix(".npy") for name in archive.namelist()}
    except Exception:  # `read_npz` says what is wrong
        return set()


def take_points(arrays: dict[str, NDArray[Any]], path: Path) -> NDArray[np.float64]:
    """The map's points (N, 3), under the name `points` or `points3d`."""
    name = next((name for name in ("points", "points3d") if name in arrays), None)
    if name is None:
        raise MapError(
            f"{path} has no array 'points' or 'points3d'; it has {', '.join(arrays) or 'none'}."
        )
    points = arrays[name]
    real = np.issubdtype(points.dtype, np.floating) or np.issubdtype(points.dtype, np.integer)
    if not real or points.ndim != 2 or points.shape[1] != 3:
        raise MapError(
            f"'{name}' in {path} is {points.dtype} of shape {points.shape}; "
            "a map needs real numbers of shape (N, 3)."
        )
    return points.astype(np.float64)
