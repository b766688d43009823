"""The words of `--dataset`, and what they open."""

from __future__ import annotations

from pathlib import Path

from training.datasets.reference_layout import FOLDERS, open_reference_set
from training.datasets.sfm import SfmViews
from training.datasets.shapes import ShapeViews
from training.datasets.source import Source

WORDS = (*FOLDERS, "shapes", "sfm")


def open_set(folder: Path, word: str, split: str, outlier_rate: float = -1.0) -> Source:
    """The split "train" or "test" of a data set; `outlier_rate` is for sfm. Raises BpnpError."""
    if word == "shapes":
        return ShapeViews.open(folder, split)
    if word == "sfm":
        return SfmViews.open(folder, split, outlier_rate)
    return open_reference_set(folder, word, split)
