"""Layers over unordered points (Campbell et al., ECCV 2020, section 3.1, after Yi et al. 2018)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ContextNorm(nn.Module):
    """Normalise each channel over the points of one set; no parameters."""

    epsilon = 1e-3

    def forward(self, x: Tensor, true: Tensor | None = None) -> Tensor:
        """Channels (B, C, N) -> (B, C, N).

        true: (B, 1, N) boolean; where given, only these points count in mean and variance.
        """
        if true is None:
            unbiased = int(x.shape[2] > 1)
            variance, mean = torch.var_mean(x, 2, correction=unbiased, keepdim=True)
        else:
            count = true.sum(2, keepdim=True)
            mean = (x * true).sum(2, keepdim=True) / count.clamp_min(1)
            squares = (x - mean).square() * true
            variance = squares.sum(2, keepdim=True) / (count - 1).clamp_min(1)
        return (x - mean) * (variance + self.epsilon).rsqrt()


class ResidualBlock(nn.Module):
    """1x1 convolution, then twice 1x1 convolution and context norm, ReLU, plus the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.preconv = point_layer(channels, channels)
        self.conv1 = point_layer(channels, channels)
        self.conv2 = point_layer(channels, channels)
        self.context_norm = ContextNorm()

    def forward(self, x: Tensor, true: Tensor | None = None) -> Tensor:
        """(B, C, N) -> (B, C, N); `true` as in ContextNorm."""
        out = self.preconv(x)
        out = self.context_norm(self.conv1(out), true)
        out = self.context_norm(self.conv2(out), true)
        return torch.relu(out) + x


def point_layer(channels_in: int, channels_out: int) -> nn.Sequential:
    """The same linear map for every point; its entries are called `0.weight` and `0.bias`."""
    return nn.Sequential(nn.Conv1d(channels_in, channels_out, 1))
