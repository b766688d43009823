"""Layers over unordered points (Campbell et al., ECCV 2020, section 3.1, after Yi et al. 2018)."""

from __future__ import annotations

import math

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
            return self._over_all(x)
        count = true.sum(2, keepdim=True)
        mean = (x * true).sum(2, keepdim=True) / count.clamp_min(1)
        squares = (x - mean).square() * true
        variance = squares.sum(2, keepdim=True) / (count - 1).clamp_min(1)
        return (x - mean) * (variance + self.epsilon).rsqrt()

    def _over_all(self, x: Tensor) -> Tensor:
        """The same by torch's layer norm: one pass, but its variance divides by N, not by N - 1."""
        count = x.shape[2]
        ratio = max(count - 1, 1) / count  # of its variance to ours
        norm = torch.nn.functional.layer_norm(x, (count,), eps=ratio * self.epsilon)
        return norm * math.sqrt(ratio)


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
        weight, bias = _one_layer(self.preconv, self.conv1)
        out = self.context_norm(torch.conv1d(x, weight, bias), true)
        out = self.context_norm(self.conv2(out), true)
        return torch.relu(out) + x


def point_layer(channels_in: int, channels_out: int) -> nn.Sequential:
    """The same linear map for every point; its entries are called `0.weight` and `0.bias`."""
    return nn.Sequential(nn.Conv1d(channels_in, channels_out, 1))


def _one_layer(first: nn.Module, second: nn.Module) -> tuple[Tensor, Tensor]:
    """Weight and bias of two point layers that follow each other with nothing in between."""
    W, b = first.get_parameter("0.weight")[:, :, 0], first.get_parameter("0.bias")
    V, c = second.get_parameter("0.weight")[:, :, 0], second.get_parameter("0.bias")
    return (V @ W)[:, :, None], V @ b + c
