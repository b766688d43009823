"""A stream of the network: points in, one unit feature for each out; and how features compare."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bpnp_ros.network.blocks import ResidualBlock, point_layer

CHANNELS = 128
BLOCKS = 12


class FeatureExtractor(nn.Module):
    """A 1x1 convolution and 12 residual blocks with context norm (the paper's section 3.1)."""

    def __init__(self, channels_in: int, bf16: bool = False) -> None:
        super().__init__()
        self.bf16 = bf16
        self.conv_in = point_layer(channels_in, CHANNELS)
        for i in range(BLOCKS):
            self.add_module(f"conv_{i}", ResidualBlock(CHANNELS))

    def forward(self, points: Tensor, true: Tensor | None = None) -> Tensor:
        """Points (B, N, channels_in) -> features (B, N, 128) of length 1.

        true: (B, 1, N) boolean; where given, only these points count in context norm.
        """
        if points.shape[1] == 0:
            return points.new_zeros(len(points), 0, CHANNELS)
        x = self.conv_in(points.transpose(1, 2))
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.bf16):
            for i in range(BLOCKS):
                x = self.get_submodule(f"conv_{i}")(x, true)
        return torch.nn.functional.normalize(x.to(points.dtype), dim=1).transpose(1, 2)


def pairwise_distance(x: Tensor, y: Tensor) -> Tensor:
    """Euclidean distance of all pairs: (B, M, C), (B, N, C) -> (B, M, N).

    Its gradient is 0, not infinite, where two features coincide.
    """
    x_squared, y_squared = (z.square().sum(2, keepdim=True) for z in (x, y))
    left = torch.cat([-2 * x, x_squared, torch.ones_like(x_squared)], dim=2)
    right = torch.cat([y, torch.ones_like(y_squared), y_squared], dim=2)
    return (left @ right.transpose(1, 2)).clamp_min_(1e-30).sqrt_()
