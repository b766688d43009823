"""The T-net of PointNet (2017): a learned matrix that brings a point set into a canonical frame."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class TNet(nn.Module):
    """Per-point layers, the maximum over all points, then fully connected layers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(3, 64, 1)
        self.conv2 = nn.Conv1d(64, 128, 1)
        self.conv3 = nn.Conv1d(128, 1024, 1)
        self.fc1 = nn.Linear(1024, 512)
        self.fc2 = nn.Linear(512, 256)
        self.fc3 = nn.Linear(256, 9)
        self.bn1 = nn.BatchNorm1d(64)
        self.bn2 = nn.BatchNorm1d(128)
        self.bn3 = nn.BatchNorm1d(1024)
        self.bn4 = nn.BatchNorm1d(512)
        self.bn5 = nn.BatchNorm1d(256)

    def forward(self, points: Tensor, true: Tensor | None = None) -> Tensor:
        """Points (B, N, 3) -> matrix (B, 3, 3), to be applied to row vectors.

        true: (B, 1, N) boolean; where given, only these points count in the maximum. A set without
        points gets the identity.
        """
        identity = torch.eye(3, dtype=points.dtype, device=points.device)
        if points.shape[1] == 0:
            return identity.expand(len(points), 3, 3)
        x = torch.relu(_normalised(self.conv1, self.bn1, points.transpose(1, 2)))
        x = torch.relu(_normalised(self.conv2, self.bn2, x))
        x = _normalised(self.conv3, self.bn3, x)
        if true is not None:
            x = x.where(true, 0)
        x = torch.relu(x.amax(2))
        x = torch.relu(self.bn4(self.fc1(x)))
        x = torch.relu(self.bn5(self.fc2(x)))
        return self.fc3(x).reshape(-1, 3, 3) + identity


def _normalised(conv: nn.Conv1d, norm: nn.BatchNorm1d, x: Tensor) -> Tensor:
    """A convolution and its batch norm; as one convolution where the statistics are fixed."""
    if norm.training:
        normalised: Tensor = norm(conv(x))
        return normalised
    scale = norm.weight * (norm.get_buffer("running_var") + norm.eps).rsqrt()
    shift = norm.bias - norm.get_buffer("running_mean") * scale
    bias = shift if conv.bias is None else shift + conv.bias * scale
    return torch.conv1d(x, conv.weight * scale[:, None, None], bias)
