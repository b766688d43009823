"""Inside a stage nothing waits for the device: what a GPU computes is not looked at on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from halls import closed_hall, frame_at, open_hall, recentred, standing
from torch.utils._python_dispatch import TorchDispatchMode

from bpnp_ros.localizer import measurement
from bpnp_ros.localizer.compiled import inputs
from bpnp_ros.localizer.descent.poses import evidence, refine
from bpnp_ros.map_model.map_model import MapModel

WAITS = ("_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "equal")
HERE = standing(10, 6, 0.4)


class Waiting(TorchDispatchMode):
    """Lists the operations whose result the host has to wait for."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[str] = []

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        name = func.overloadpacket.__name__
        if name in WAITS:
            self.operations.append(name)
        return func(*args, **(kwargs or {}))


@pytest.fixture
def on_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """The way that tensors go where they are not at hand."""
    monkeypatch.setattr(inputs, "is_installed", lambda: False)
    monkeypatch.setattr(measurement, "is_at_hand", lambda tensor: False)


@pytest.mark.parametrize("model", [open_hall(), closed_hall()], ids=["open", "closed"])
def test_refining_and_weighing_poses_waits_for_nothing(model: MapModel, on_a_device: None) -> None:
    frame = frame_at(HERE, np.random.default_rng(0), missed=0.1, clutter=0.3).with_crowding()
    poses = recentred(model, HERE).repeat(5, 1, 1)
    _ = model.depth, model.points
    with Waiting() as waiting:
        refined = refine(model, poses, frame, [0.05, 0.02, 0.01, frame.sigma, frame.sigma])
        evidence(model, refined, frame, frame.sigma)
    assert waiting.operations == []


def test_looking_at_a_value_is_noticed() -> None:
    with Waiting() as waiting:
        float(torch.ones(3).sum())
        (torch.ones(3) > 0).nonzero()
    assert waiting.operations == ["_local_scalar_dense", "nonzero"]
