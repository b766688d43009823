"""Layers of the attention variant: where points are, and blocks in which they look around."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

CHANNELS = 96
HEADS = 4
FREQUENCIES = 24
HIDDEN = 3 * CHANNELS

Pair = tuple[Tensor, Tensor]


class FourierEncoder(nn.Module):
    """Coordinates, and their sines and cosines at fixed random frequencies, as channels.

    spread: standard deviation of the frequencies, rad per unit.
    """

    frequencies: Tensor

    def __init__(self, coordinates: int, spread: float) -> None:
        super().__init__()
        self.register_buffer("frequencies", spread * torch.randn(coordinates, FREQUENCIES))
        width = coordinates + 2 * FREQUENCIES
        self.mlp = nn.Sequential(
            nn.Linear(width, CHANNELS), nn.GELU(), nn.Linear(CHANNELS, CHANNELS)
        )

    def forward(self, points: Tensor) -> Tensor:
        """(B, N, coordinates) -> (B, N, C)."""
        phase = points @ self.frequencies
        encoded: Tensor = self.mlp(torch.cat([points, phase.sin(), phase.cos()], dim=2))
        return encoded


class RotaryEncoding(nn.Module):
    """Turns of queries and keys by where their points are, so that only differences count."""

    def __init__(self, coordinates: int) -> None:
        super().__init__()
        self.frequencies = nn.Parameter(torch.randn(coordinates, CHANNELS // 2))

    def forward(self, points: Tensor) -> Pair:
        """Points (B, N, coordinates) -> cosines and sines (B, HEADS, N, C / HEADS / 2)."""
        angle = _heads(points @ self.frequencies)
        return angle.cos(), angle.sin()


class SelfAttention(nn.Module):
    """Every point looks at the true points of its own set."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(CHANNELS)
        self.qkv = nn.Linear(CHANNELS, 3 * CHANNELS)
        self.out = nn.Linear(CHANNELS, CHANNELS)

    def forward(self, x: Tensor, turn: Pair, true: Tensor) -> Tensor:
        q, k, v = (_heads(channels) for channels in self.qkv(self.norm(x)).chunk(3, dim=2))
        seen = scaled_dot_product_attention(_turned(q, turn), _turned(k, turn), v, _mask(true))
        return x + self.out(_joined(seen))


class CrossAttention(nn.Module):
    """Every point looks at the true points of the other set."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(CHANNELS)
        self.norm_other = nn.LayerNorm(CHANNELS)
        self.q = nn.Linear(CHANNELS, CHANNELS)
        self.kv = nn.Linear(CHANNELS, 2 * CHANNELS)
        self.out = nn.Linear(CHANNELS, CHANNELS)

    def forward(self, x: Tensor, other: Tensor, true_other: Tensor) -> Tensor:
        q = _heads(self.q(self.norm(x)))
        k, v = (_heads(channels) for channels in self.kv(self.norm_other(other)).chunk(2, dim=2))
        return x + self.out(_joined(scaled_dot_product_attention(q, k, v, _mask(true_other))))


class AttentionBlock(nn.Module):
    """Self-attention, cross-attention and a perceptron, the same weights for both sets."""

    def __init__(self) -> None:
        super().__init__()
        self.self_attention = SelfAttention()
        self.cross_attention = CrossAttention()
        self.mlp = nn.Sequential(
            nn.LayerNorm(CHANNELS),
            nn.Linear(CHANNELS, HIDDEN),
            nn.GELU(),
            nn.Linear(HIDDEN, CHANNELS),
        )

    def forward(self, sets: Pair, turns: tuple[Pair, Pair], true: Pair) -> Pair:
        """Channels (B, M, C) and (B, N, C); turns of RotaryEncoding; true (B, M) and (B, N)."""
        x, y = (self.self_attention(*each) for each in zip(sets, turns, true, strict=True))
        x, y = self.cross_attention(x, y, true[1]), self.cross_attention(y, x, true[0])
        return x + self.mlp(x), y + self.mlp(y)


def _heads(x: Tensor) -> Tensor:
    return x.unflatten(2, (HEADS, -1)).transpose(1, 2)


def _joined(x: Tensor) -> Tensor:
    return x.transpose(1, 2).flatten(2)


def _mask(true: Tensor) -> Tensor:
    return true[:, None, None]


def _turned(x: Tensor, turn: Pair) -> Tensor:
    """Each half of the channels (B, HEADS, N, D) is one coordinate of planes that are turned."""
    cos, sin = turn
    a, b = x.chunk(2, dim=3)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=3)
