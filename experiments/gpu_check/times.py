"""How long every stage takes on a device and on the processor."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from bpnp_ros import Localizer
from bpnp_ros.network.attention import AttentionBPnPNet
from bpnp_ros.network.bpnpnet import BPnPNet
from bpnp_ros.network.matching import MatchingNetwork
from bpnp_ros.optimal_transport.sinkhorn import sinkhorn, uniform_prior
from bpnp_ros.pnp.losses import correspondence_loss, pose_loss
from bpnp_ros.pnp.ransac import initial_poses
from bpnp_ros.pnp.weighted_pnp import weighted_pnp
from experiments.gpu_check.checks import CAMERA, LAMPS, lamp_config, pixels_of
from experiments.scene import scene
from training.datasets.sample import Batch

Work = Callable[[], object]
BATCH = 16
MOST_TURNS = 20


def table(device: torch.device, points: int, seconds: float) -> str:
    """Markdown, milliseconds; a processor that is the device has one column.

    points: of a set. seconds: for each stage, beside its first turn.
    """
    devices = list(dict.fromkeys((device, torch.device("cpu"))))
    head = ["stage", *(_title(where) for where in devices)]
    columns = [dict(_timed(where, points, seconds)) for where in devices]
    rows = [[stage, *(f"{column[stage]:.1f}" for column in columns)] for stage in columns[0]]
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _title(device: torch.device) -> str:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "processor"
    return f"{name}, ms"


def _timed(device: torch.device, points: int, seconds: float) -> Iterator[tuple[str, float]]:
    for stage, work in stages(device, points):
        yield stage, 1e3 * _median(work, device, seconds)


def _median(work: Work, device: torch.device, seconds: float) -> float:
    """Seconds of a turn; the first one does not count."""
    work()
    begin = time.perf_counter()
    turns: list[float] = []
    while len(turns) < MOST_TURNS and (not turns or time.perf_counter() - begin < seconds):
        _finish(device)
        start = time.perf_counter()
        work()
        _finish(device)
        turns.append(time.perf_counter() - start)
    return float(np.median(turns))


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def stages(device: torch.device, points: int) -> Iterator[tuple[str, Work]]:
    """What is timed, by name; sets of so many points each."""
    torch.manual_seed(0)
    sample, several = (
        Batch(*(tensor.to(device) for tensor in scene(points, count))) for count in (1, BATCH)
    )
    paper, attention = (kind().to(device).eval() for kind in (BPnPNet, AttentionBPnPNet))
    size = f"{points} x {points}"
    yield f"paper's network, {size}", _inference(paper, sample)
    yield f"attention network, {size}", _inference(attention, sample)
    with torch.no_grad():
        matching = paper(*sample.inputs(False))
        P, cost = matching.P, matching.distance
    prior = uniform_prior(sample.num_points_2d, points)
    yield f"Sinkhorn, {size}", lambda: sinkhorn(cost, prior, prior)
    yield (
        "Sinkhorn, forward and backward",
        lambda: _backward(lambda M: sinkhorn(M, prior, prior), cost),
    )
    sets = sample.p2d, sample.p3d
    theta = torch.cat([sample.R.new_full((1, 3), 0.02), sample.t], dim=1)
    W = torch.eye(points, device=device)[None] + P
    yield f"weighted PnP, {size}", lambda: weighted_pnp(W, *sets, theta)
    yield (
        "weighted PnP, forward and backward",
        lambda: _backward(lambda w: weighted_pnp(w, *sets, theta), W),
    )
    counts = sample.num_points_2d, sample.num_points_3d
    yield "RANSAC", lambda: initial_poses(W, *sets, *counts)
    for name, with_pose in {"Lc": False, "Lc + Lp": True}.items():
        yield f"training step, {name}, batch {BATCH}", _step(paper, several, with_pose)
    yield from _localising(device)


def _inference(network: MatchingNetwork, batch: Batch) -> Work:
    def work() -> None:
        with torch.no_grad():
            network(*batch.inputs(False))

    return work


def _backward(layer: Callable[[Tensor], Tensor], x: Tensor) -> None:
    layer(x.clone().requires_grad_()).square().sum().backward()


def _step(network: MatchingNetwork, batch: Batch, with_pose: bool) -> Work:
    counts = batch.num_points_2d, batch.num_points_3d

    def work() -> None:
        network.train()
        P = network(*batch.inputs(False)).P
        loss = correspondence_loss(P, batch.C)
        if with_pose:
            theta0, _ = initial_poses(P, batch.p2d, batch.p3d, *counts)
            pose = pose_loss(weighted_pnp(P, batch.p2d, batch.p3d, theta0), batch.R, batch.t)
            loss = loss + pose.rotation + pose.translation
        loss.backward()

    return work


def _localising(device: torch.device) -> Iterator[tuple[str, Work]]:
    rng = np.random.default_rng(0)
    lamps = rng.uniform([0, 0, 3], [20, 12, 4], (LAMPS, 3))
    localizer, pixels = Localizer.from_map(lamps, config=lamp_config(), device=device), pixels_of
    seen = pixels(lamps, rng)
    yield f"first fix among {LAMPS} lamps", lambda: localizer.localize(seen, CAMERA)
    stamps = iter(np.arange(1e6) / 30)
    yield "tracked frame", lambda: localizer.localize(seen, CAMERA, stamp=float(next(stamps)))
