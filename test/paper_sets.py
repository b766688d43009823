"""Small data sets in the folders and pickles of the paper's code."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from training.datasets.sample import Sample
from training.datasets.shapes import ShapeViews

POINTS = 24


def samples(count: int, seed: int = 0, points: int = POINTS) -> list[Sample]:
    """Views of blobs, in random order."""
    rng = np.random.default_rng(seed)
    shapes = ShapeViews(0.4 * rng.standard_normal((count, points, 3)))
    return [shapes.draw(i, rng).shuffled(rng) for i in range(count)]


def write_set(folder: Path, word: str = "modelnet40", train: int = 6, test: int = 2) -> Path:
    """Both splits, preprocessed; returns DIR."""
    for split, count in (("train", train), ("test", test)):
        write_preprocessed(folder / f"{word}_{split}" / "preprocessed", samples(count, count))
    return folder


def write_preprocessed(place: Path, views: list[Sample], as_dict: bool = True) -> None:
    columns: dict[str, list[Any]] = {
        "p2d": [view.p2d for view in views],
        "p3d": [view.p3d for view in views],
        "R_gt": [view.R for view in views],
        "t_gt": [view.t for view in views],
        "W_gt": [np.where(view.partner < 0, len(view.p2d), view.partner) for view in views],
        "num_points_2d": [np.array([len(view.p2d)]) for view in views],
        "num_points_3d": [np.array([len(view.p3d)]) for view in views],
    }
    write_pickles(place, {k: dict(enumerate(v)) if as_dict else v for k, v in columns.items()})


def write_raw(place: Path, views: list[Sample]) -> None:
    """Pairs as they were found, in the oldest form there is."""
    matches = [np.hstack([view.p2d[view.partner], view.p3d]) for view in views]
    columns = {"matches": matches, "R": [v.R for v in views], "t": [v.t[:, None] for v in views]}
    write_pickles(place, columns, protocol=0)


def write_pickles(place: Path, columns: dict[str, Any], protocol: int | None = None) -> None:
    place.mkdir(parents=True, exist_ok=True)
    for name, column in columns.items():
        (place / f"{name}.pkl").write_bytes(pickle.dumps(column, protocol=protocol))
