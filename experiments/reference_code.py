"""The reference code (dylan-campbell/bpnpnet), driven from a checkout in a folder of its own.

What its modules need today, found by running them on torch 2.13, OpenCV 5.0 and NumPy 2.4:

- `torch.solve`, with which the backward pass of its pose layer goes on where Cholesky fails, only
  raises an error by now: `torch.linalg.solve` stands in.
- `torch.cholesky` warns that it will be removed: `torch.linalg.cholesky` stands in.
- Its network parses the command line while it is built: it gets an empty one.
- Its main.py wants CUDA. It is not used; its modules and its losses run anywhere.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from bpnp_ros.errors import ConfigError
from training.datasets.sample import Batch
from training.paper.measuring import Solution

NETWORK, LOSSES = "model.model", "lib.losses"
LAYERS = ("lib.optimal_transport", "lib.nonlinear_weighted_blind_pnp")
ADDRESS = "https://github.com/dylan-campbell/bpnpnet"


class ReferenceCode:
    """Builds the networks and losses of the checkout in a folder."""

    def __init__(self, folder: Path) -> None:
        """Raises ConfigError where the folder holds something else."""
        modules = _modules(folder)
        for name in LAYERS:
            vars(modules[name])["torch"] = _TorchOfThen()
        self._transport, self._pose_layer = (modules[name] for name in LAYERS)
        self._network, self._losses = modules[NETWORK].DBPnP, modules[LOSSES].TotalLoss

    def network(self) -> nn.Module:
        """A network with random weights."""
        arguments, sys.argv = sys.argv, sys.argv[:1]
        try:
            network: nn.Module = self._network(None)
        finally:
            sys.argv = arguments
        return network

    def transport(self) -> nn.Module:
        """Its Sinkhorn layer."""
        layer: nn.Module = self._transport.RegularisedTransport()
        return layer

    def pose_layer(self) -> nn.Module:
        """Its weighted blind PnP."""
        layer: nn.Module = self._pose_layer.NonlinearWeightedBlindPnP()
        return layer

    def losses(self, gamma: float) -> nn.Module:
        criterion: nn.Module = self._losses(gamma)
        return criterion


class ReferenceSide:
    """The reference's network with its layers and losses."""

    def __init__(self, code: ReferenceCode) -> None:
        self.network = code.network()
        self._criterion = {with_pose: code.losses(float(with_pose)) for with_pose in (False, True)}

    def losses(self, batch: Batch, with_pose: bool) -> dict[str, Tensor]:
        P, theta, _ = self._forward(batch, with_pose)
        total, parts = self._criterion[with_pose](theta, P, batch.R, batch.t, batch.C)
        losses = {"loss": total, "Lc": parts[0]}
        if with_pose:
            losses |= {"rotation_deg": torch.rad2deg(parts[1]), "translation": parts[2]}
        return losses

    def solve(self, batch: Batch) -> Solution:
        _, theta, theta0 = self._forward(batch, True)
        found = (theta0 != 0).any(1)  # its RANSAC leaves zeros where it finds nothing
        return Solution(theta0, theta, found)

    def _forward(self, batch: Batch, with_pose: bool) -> Any:
        counts = batch.num_points_2d[:, None], batch.num_points_3d[:, None]
        return self.network(batch.p2d, batch.p3d, *counts, with_pose)


class _TorchOfThen:
    """torch, with stand-ins for what went out of it."""

    @staticmethod
    def solve(B: Tensor, A: Tensor) -> tuple[Tensor, None]:
        return torch.linalg.solve(A, B), None

    @staticmethod
    def cholesky(A: Tensor, upper: bool = False) -> Tensor:
        factor: Tensor = torch.linalg.cholesky(A, upper=upper)
        return factor

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)


def _modules(folder: Path) -> dict[str, ModuleType]:
    names = (NETWORK, LOSSES, *LAYERS)
    missing = [name for name in names if not (folder / f"{name.replace('.', '/')}.py").is_file()]
    if missing:
        raise ConfigError(
            f"{folder} is not the reference code: it has no module {missing[0]}. "
            f"git clone {ADDRESS}, and name that folder."
        )
    sys.path.insert(0, str(folder.resolve()))
    try:
        return {name: importlib.import_module(name) for name in names}
    except ImportError as error:
        raise ConfigError(f"the modules in {folder} cannot be imported: {error}.") from error
    finally:
        sys.path.pop(0)
