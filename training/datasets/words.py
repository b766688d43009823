"""The words of `--dataset`, and what they open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from training.datasets.reference_layout import FOLDERS, open_reference_set
from training.datasets.shapes import ShapeViews
from training.datasets.source import Source

OURS: dict[str, Callable[[Path, str], Source]] = {"shapes": ShapeViews.open}
WORDS = (*FOLDERS, *OURS)


def open_set(folder: Path, word: str, split: str) -> Source:
    """The split "train" or "test" of a data set. Raises DataSetError."""
    if word in OURS:
        return OURS[word](folder, split)
    return open_reference_set(folder, word, split)
