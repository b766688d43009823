"""Where samples come from: sample i of epoch e depends on (seed, e, i) and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from torch.utils.data import Dataset

from bpnp_ros.errors import DataSetError
from training.datasets.sample import Sample

MOST_POINTS = 10_000  # in testing, as in the paper's code


class Source(Protocol):
    """A split of a data set: `draw` may choose a view, points or noise by `rng`."""

    def __len__(self) -> int: ...

    def draw(self, index: int, rng: np.random.Generator) -> Sample: ...


@dataclass
class Epoch(Dataset[Sample]):
    """The samples of one epoch. outliers: uniform ones to add, as a share of the keypoints."""

    source: Source
    seed: int
    epoch: int = 0
    most_points: int = MOST_POINTS
    outliers: float = 0.0
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.size = len(self.source)
        if self.size == 0:
            raise DataSetError("The data set has no samples.")

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> Sample:
        rng = np.random.default_rng([self.seed, self.epoch, index])
        sample = self.source.draw(index, rng).with_outliers(self.outliers, rng)
        return sample.thinned(self.most_points, rng).shuffled(rng)


def batches_of_epoch(
    count: int, batch: int, seed: int, epoch: int, rank: int = 0, world: int = 1
) -> list[list[int]]:
    """Rows of each batch of one of `world` processes; together they make batches of `batch`.

    Every sample comes at least once; the last batch is filled up from the start.
    """
    order = np.random.default_rng([seed, epoch]).permutation(count)
    steps = -(-count // batch)
    chosen = np.resize(order, (steps, world, batch // world))
    return [rows.tolist() for rows in chosen[:, rank]]
