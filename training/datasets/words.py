"""The words of `--dataset`, and what they open."""

from __future__ import annotations

from pathlib import Path

from training.datasets.reference_layout import FOLDERS, open_reference_set
from training.datasets.sfm import SfmViews
from training.datasets.shapes import ShapeViews
from training.datasets.simulated import SimulatedScenes
from training.datasets.source import Source

WORDS = (*FOLDERS, "shapes", "sfm", "simulated")


def open_set(folder: Path, word: str, split: str, outlier_rate: float = -1.0) -> Source:
    """The split "train" or "test" of a data set. Raises BpnpError.

    outlier_rate: of sfm and simulated sets. The latter need no files.
    """
    if word == "shapes":
        return ShapeViews.open(folder, split)
    if word == "sfm":
        return SfmViews.open(folder, split, outlier_rate)
    if word == "simulated":
        return SimulatedScenes(split, outlier_rate)
    return open_reference_set(folder, word, split)
