"""The data sets of the paper in the folders and pickles of its code.

    DIR/<word>_{train,test}/preprocessed/{p2d,p3d,R_gt,t_gt,W_gt,num_points_2d,num_points_3d}.pkl

or, where there is no `preprocessed`, pairs as they were found: {matches,R,t}.pkl, for megadepth in
one folder a scene, named in DIR/megadepth_split_SIFT.pkl.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.errors import DataSetError
from training.datasets.safe_pickle import load_pickle
from training.datasets.sample import Array, Rows, Sample, partner_of_points

FOLDERS = {
    "modelnet40": "modelnet40",
    "megadepth": "megadepth",
    "data61_2d3d": "data61_2d3d",
    "nyurgbd": "nyu",
}
INDEXED_BY_KEYPOINT = "data61_2d3d"
_PREPROCESSED = ("p2d", "p3d", "R_gt", "t_gt", "W_gt", "num_points_2d", "num_points_3d")
_RAW = ("matches", "R", "t")
_SPLIT_FILE, _SPLIT_WORDS = "megadepth_split_SIFT.pkl", {"train": "train", "test": "val"}


@dataclass(frozen=True, eq=False)
class StoredSamples:
    """Samples that are what they are, whatever the random numbers."""

    samples: list[Sample]

    def __len__(self) -> int:
        return len(self.samples)

    def draw(self, index: int, rng: np.random.Generator) -> Sample:
        return self.samples[index]


def open_reference_set(folder: Path, word: str, split: str) -> StoredSamples:
    """Read the split "train" or "test" of a data set of the paper. Raises DataSetError."""
    place = folder / f"{FOLDERS[word]}_{split}"
    if (place / "preprocessed").is_dir():
        return StoredSamples(_preprocessed(place / "preprocessed", word == INDEXED_BY_KEYPOINT))
    if word == "megadepth" and not (place / "matches.pkl").exists():
        scenes = [place / scene for scene in _scenes(folder, split)]
        found = [scene for scene in scenes if scene.is_dir()]
        if not found:
            raise DataSetError(f"None of the {len(scenes)} scenes of {_SPLIT_FILE} is in {place}.")
        return StoredSamples([sample for scene in found for sample in _raw(scene)])
    return StoredSamples(_raw(place))


def _scenes(folder: Path, split: str) -> list[str]:
    content = load_pickle(folder / _SPLIT_FILE)
    names = content.get(_SPLIT_WORDS[split]) if isinstance(content, dict) else None
    if names is None:
        raise DataSetError(f"{folder / _SPLIT_FILE} has no list '{_SPLIT_WORDS[split]}'.")
    return [Path(str(name)).stem for name in names]


def _preprocessed(place: Path, indexed_by_keypoint: bool) -> list[Sample]:
    samples = []
    for i, (p2d, p3d, R, t, W, m, n) in enumerate(_rows(place, _PREPROCESSED)):
        p2d, p3d = _points(p2d, 2, place, i), _points(p3d, 3, place, i)
        m, n = min(int(m.sum()), len(p2d)), min(int(n.sum()), len(p3d))
        labels = W.reshape(-1).astype(np.int64)
        partner = partner_of_points(labels[:m], n) if indexed_by_keypoint else labels[:n]
        if len(partner) != n:
            raise DataSetError(f"{place}, sample {i}: {len(labels)} labels for {n} map points.")
        partner = np.where((partner >= 0) & (partner < m), partner, -1)
        samples.append(_sample(p2d[:m], p3d[:n], partner, R, t, place, i))
    return samples


def _raw(place: Path) -> list[Sample]:
    samples = []
    for i, (matches, R, t) in enumerate(_rows(place, _RAW)):
        pairs = _points(matches, 5, place, i)
        samples.append(_sample(pairs[:, :2], pairs[:, 2:], np.arange(len(pairs)), R, t, place, i))
    return samples


def _sample(
    p2d: Array, p3d: Array, partner: Rows, R: Array, t: Array, place: Path, i: int
) -> Sample:
    if R.shape != (3, 3) or t.size != 3:
        raise DataSetError(f"{place}, sample {i}: R is {R.shape} and t {t.shape}, no pose.")
    if not (np.isfinite(R).all() and np.isfinite(t).all()):
        raise DataSetError(f"{place}, sample {i}: R or t is not finite.")
    return Sample(p2d, p3d, partner, R, t.reshape(3), np.ones(len(p3d)))


def _points(points: Array, width: int, place: Path, i: int) -> Array:
    if points.ndim != 2 or points.shape[1] != width:
        raise DataSetError(f"{place}, sample {i}: points are {points.shape}, not (k, {width}).")
    with np.errstate(over="ignore"):
        rounded = points.astype(np.float32)
    if not np.isfinite(rounded).all():
        raise DataSetError(f"{place}, sample {i}: points that are not finite, or far too large.")
    return rounded


def _rows(place: Path, names: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """What the files hold of each sample, as arrays."""
    columns = [_column(place / f"{name}.pkl") for name in names]
    lengths = {name: len(column) for name, column in zip(names, columns, strict=True)}
    if len(set(lengths.values())) > 1:
        raise DataSetError(f"The files in {place} do not belong together: {lengths} samples.")
    return list(zip(*columns, strict=True))


def _column(path: Path) -> list[NDArray[Any]]:
    """One entry a sample, from a list, an array, or a dict keyed 0 to N - 1."""
    content = load_pickle(path)
    try:
        rows = [content[i] for i in range(len(content))]
        arrays = [np.asarray(row) for row in rows]
    except (KeyError, TypeError, ValueError) as error:
        raise DataSetError(f"{path} holds no list of arrays, one a sample ({error}).") from error
    if any(array.dtype.kind not in "biuf" for array in arrays):
        raise DataSetError(f"{path} holds samples that are no numbers.")
    return arrays
