"""Virtual views as training data: block i of epoch e depends on (seed, e, i) and nothing else."""

from __future__ import annotations

from typing import Any

import lightning
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from bpnp_ros.simulation.virtual_views import ViewSource, VirtualViews
from training.own_map.module import OwnMapTraining

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


class ViewLoader(lightning.LightningDataModule):
    """The blocks of whatever epoch the training is in."""

    def __init__(self, module: OwnMapTraining, source: ViewSource) -> None:
        super().__init__()
        self.module, self.source = module, source

    def train_dataloader(self) -> DataLoader[Any]:
        config, epoch = self.module.config, self.module.current_epoch
        blocks = ViewBlocks(self.source, config.batch, config.seed, epoch)
        return DataLoader(blocks, batch_size=None)


def block_generator(seed: int, epoch: int, index: int) -> torch.Generator:
    """Random numbers of their own for every block."""
    key = (seed * 1_000_003 + epoch) * EPOCH_BLOCKS + index
    return torch.Generator().manual_seed(key % 2**63)
