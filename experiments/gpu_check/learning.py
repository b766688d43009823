"""Training weights for any map until the time is over, with nothing but PyTorch and NumPy.

What `training.main --network attention --curriculum --average` does, led by the clock.
"""

from __future__ import annotations

import json
import math
import os
import struct
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader

from bpnp_ros.network.attention import AttentionBPnPNet
from bpnp_ros.network.matching import MatchingNetwork
from bpnp_ros.pnp.losses import log_likelihood_loss
from training.datasets.crops import SimulatedCrops
from training.datasets.sample import Batch, Sample, collate
from training.datasets.source import Epoch

SHIPPED = Path(__file__).parents[2] / "bpnp_ros" / "data" / "any_map.safetensors"
POINTS, RATE, WARM_UP, KEPT = 128, 3e-4, 100, 0.998
BATCH = {"cuda": 256, "cpu": 16}
A_LINE = 30.0  # seconds


def learn(device: torch.device, path: Path, end: float) -> None:
    """Go on with the weights in `path`, or with those that are shipped; `end`: monotonic seconds.

    path holds the weights, their average and how many samples they saw; written every half minute.
    At least one step is taken. The batch shrinks to what there is memory for.
    """
    network, average, before = begun(path, device)
    adam = torch.optim.Adam(network.parameters(), RATE)
    rise = torch.optim.lr_scheduler.LambdaLR(adam, lambda step: min((step + 1) / WARM_UP, 1))
    batch, samples, losses, told = BATCH[device.type], before, [0.0], time.monotonic()
    while samples == before or time.monotonic() < end:
        for sets in batches(samples, batch):
            try:
                losses.append(step(network, adam, Batch(*(t.to(device) for t in sets))))
            except torch.OutOfMemoryError:
                batch //= 2
                print(f"too little memory: {batch} samples a step from here on", flush=True)
                break
            rise.step()
            average.update_parameters(network)
            samples += len(sets.R)
            if time.monotonic() > told + A_LINE:
                told = time.monotonic()
                print(f"{samples:,} samples, loss {np.mean(losses[-50:]):.3f}", flush=True)
                keep(path, network, average, samples)
            if time.monotonic() >= end:
                break
    keep(path, network, average, samples)
    print(f"{samples - before:,} samples more than before: {path}")


def begun(path: Path, device: torch.device) -> tuple[AttentionBPnPNet, AveragedModel, int]:
    """The network, the average of its weights and how many samples it saw."""
    network = AttentionBPnPNet()
    kept: dict[str, Any] = {"weights": shipped_weights(), "samples": 0}
    if path.exists():
        kept = torch.load(path, weights_only=True)
    network.load_state_dict(kept["weights"])
    network.to(device).train()
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(KEPT), use_buffers=True)
    average.module.load_state_dict(kept.get("average", kept["weights"]))
    return network, average, int(kept["samples"])


def step(network: MatchingNetwork, adam: torch.optim.Optimizer, batch: Batch) -> float:
    """One step of the optimiser; one whose gradient is not finite changes nothing."""
    adam.zero_grad()
    matching = network(*batch.inputs(False))
    assert matching.log_plan is not None
    loss = log_likelihood_loss(matching.log_plan, batch.C, *batch.true_points)
    loss.backward()
    length = torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    if math.isfinite(float(length)):
        adam.step()
    return float(loss.detach())


def batches(seed: int, batch: int) -> Iterator[Batch]:
    """Of crops as at the end of the curriculum, another lot for each seed."""
    samples = Epoch(SimulatedCrops.at(1.0, POINTS), seed, 0, POINTS)
    workers = max((os.cpu_count() or 1) - 1, 0) if torch.cuda.is_available() else 0
    yield from DataLoader[Sample](
        samples, batch, num_workers=workers, collate_fn=partial(collate, length=POINTS)
    )


def keep(path: Path, network: AttentionBPnPNet, average: AveragedModel, samples: int) -> None:
    """Replace the file at once or not at all."""
    part = path.with_suffix(".partial")
    content = {"weights": network.state_dict(), "average": average.module.state_dict()}
    torch.save({**content, "samples": samples}, part)
    part.replace(path)


def shipped_weights() -> dict[str, Tensor]:
    """Those of the package, without the library that wrote them: a header in JSON, then numbers."""
    content = SHIPPED.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header, numbers = json.loads(content[8 : 8 + length]), content[8 + length :]
    header.pop("__metadata__", None)
    kinds = {"F16": np.float16, "F32": np.float32}
    return {
        name: torch.from_numpy(
            np.frombuffer(numbers[slice(*entry["data_offsets"])], kinds[entry["dtype"]])
            .reshape(entry["shape"])
            .astype(np.float32)
        )
        for name, entry in header.items()
    }
