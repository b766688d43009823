"""Virtual views as training data: block i of epoch e depends on (seed, e, i) and nothing else."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils.data import Dataset

from bpnp_ros.simulation.virtual_views import ViewSource, VirtualViews

EPOCH_BLOCKS = 200


class ViewBlocks(Dataset[tuple[VirtualViews, Tensor]]):
    """Ready-made batches of `size` views, with two uniform numbers (size, 2) in -1..1 for each."""

    def __init__(self, source: ViewSource, size: int, seed: int, epoch: int) -> None:
        self.source, self.size, self.seed, self.epoch = source, size, seed, epoch

    def __len__(self) -> int:
        return EPOCH_BLOCKS

    def __getitem__(self, index: int) -> tuple[VirtualViews, Tensor]:
        if not 0 <= index < EPOCH_BLOCKS:
            raise IndexError(index)
        generator = block_generator(self.seed, self.epoch, index)
        views = self.source.draw(self.size, generator)
        return views, 2 * torch.rand(self.size, 2, generator=generator) - 1


def block_generator(seed: int, epoch: int, index: int) -> torch.Generator:
    """Random numbers of their own for every block."""
    key = (seed * 1_000_003 + epoch) * EPOCH_BLOCKS + index
    return torch.Generator().manual_seed(key % 2**63)
