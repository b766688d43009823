"""Parity with the paper's code, gradients and the localiser, on a device."""

from __future__ import annotations

import traceback
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from bpnp_ros import Camera, Fix, Localizer, LocalizerConfig
from bpnp_ros.network.attention import AttentionBPnPNet
from bpnp_ros.network.bpnpnet import BPnPNet
from bpnp_ros.optimal_transport.sinkhorn import sinkhorn
from bpnp_ros.pnp.losses import log_likelihood_loss
from bpnp_ros.pnp.weighted_pnp import objective, weighted_pnp
from training.datasets.crops import SimulatedCrops
from training.datasets.sample import Batch, collate

VECTORS = Path(__file__).parents[2] / "test" / "data" / "parity.npz"
LAMPS = 100
Vectors = dict[str, Tensor]


def failures(device: torch.device) -> Iterator[str]:
    """Says of each check how far off it is; names of those that are too far off, or broke."""
    with np.load(VECTORS, allow_pickle=False) as arrays:
        v = {name: torch.from_numpy(arrays[name]).to(device) for name in arrays.files}
    checks: dict[str, tuple[Callable[[], float], float]] = {
        "Sinkhorn as the paper's": (lambda: _transport(v), 1e-8),
        "network as the paper's": (lambda: _network(v, device), 1e-8),
        "weighted PnP as the paper's": (lambda: _pose(v), 1e-4),
        "its gradient as finite differences": (lambda: _pose_gradient(v), 1e-4),
        "gradients as on the processor": (lambda: _same_gradients(device), 1e-2),
        "lamps: metres from the truth": (lambda: _localised(device), 0.1),
    }
    for name, (check, most) in checks.items():
        try:
            off = check()
        except Exception:  # whatever a foreign machine brings up is told, and the rest goes on
            traceback.print_exc()
            off = float("inf")
        print(f"{'ok    ' if off <= most else 'FAILED'}  {name}: {off:.1e}, at most {most:.0e}")
        if not off <= most:
            yield name


def _transport(v: Vectors) -> float:
    M = v["sinkhorn_M"].clone().requires_grad_()
    P = sinkhorn(M, v["sinkhorn_r"], v["sinkhorn_c"])
    (gradient,) = torch.autograd.grad(P, M, v["sinkhorn_grad_P"])
    return max(_off(P, v["sinkhorn_P"]), _off(gradient, v["sinkhorn_grad_M"]))


def _network(v: Vectors, device: torch.device) -> float:
    network = BPnPNet().double().eval()
    fill_weights(network, seed=int(v["seed"]))
    counts = v["net_num_points_2d"], v["net_num_points_3d"]
    with torch.no_grad():
        matching = network.to(device)(v["net_p2d"], v["net_p3d"], *counts)
    return max(_off(matching.P, v["net_P"]), _off(matching.features_2d, v["net_features_2d"]))


def fill_weights(network: nn.Module, seed: int) -> None:
    """Give every weight the value that the vectors of `seed` were made with."""
    for key, tensor in network.state_dict().items():
        if not tensor.is_floating_point():
            continue
        rng = np.random.default_rng(zlib.crc32(f"{seed}:{key}".encode()))
        values = torch.from_numpy(rng.standard_normal(tuple(tensor.shape)))
        if "running_var" in key:
            values = 0.5 + values.abs()
        elif tensor.dim() >= 2:
            values = values / tensor.shape[1] ** 0.5
        else:
            values = 0.1 * values
        tensor.copy_(values)


def _pose(v: Vectors) -> float:
    problem = v["wpnp_W"], v["wpnp_p2d"], v["wpnp_p3d"]
    theta = weighted_pnp(*problem, v["wpnp_theta0"])
    worse = (objective(*problem, theta) - v["wpnp_objective"]).max()
    return _off(theta, v["wpnp_theta"]) if worse <= 1e-10 else float("inf")


def _pose_gradient(v: Vectors) -> float:
    W, p2d, p3d = (v[f"wpnp_{name}"] for name in ("W", "p2d", "p3d"))
    W = W.clone().requires_grad_()
    theta = weighted_pnp(W, p2d, p3d, v["wpnp_theta0"])
    (gradient,) = torch.autograd.grad(theta, W, v["wpnp_grad_theta"])
    step = 1e-3 * W.detach() * torch.randn(W.shape).sign().to(W)
    ahead, behind = (
        weighted_pnp(W.detach() + way * step, p2d, p3d, theta.detach()) for way in (1, -1)
    )
    slope = ((ahead - behind) * v["wpnp_grad_theta"]).sum(1) / 2
    predicted = (gradient * step).sum((1, 2))
    return float(((predicted - slope).norm() / slope.norm()).cpu())


def _same_gradients(device: torch.device) -> float:
    """Of the attention network's loss of a batch, relative to the longest."""
    torch.manual_seed(0)
    network = AttentionBPnPNet()
    batch = crops(4, 64)
    here = gradients(network, batch)
    network.zero_grad()
    there = gradients(network.to(device), Batch(*(t.to(device) for t in batch)))
    return float((here - there).norm() / here.norm())


def crops(count: int, points: int) -> Batch:
    """Simulated crops of maps, half of whose points have no partner at most."""
    source, samples = SimulatedCrops(0.5, 0.25, points), []
    for index in range(count):
        rng = np.random.default_rng(index)
        samples.append(source.draw(index, rng).thinned(points, rng).shuffled(rng))
    return collate(samples, points)


def gradients(network: AttentionBPnPNet, batch: Batch) -> Tensor:
    """Of all weights by the log-likelihood, one after the other, on the processor."""
    matching = network(*batch.inputs(False))
    assert matching.log_plan is not None
    log_likelihood_loss(matching.log_plan, batch.C, *batch.true_points).backward()
    known = [weight.grad.flatten() for weight in network.parameters() if weight.grad is not None]
    return torch.cat(known).cpu()


def _localised(device: torch.device) -> float:
    """Metres, of a camera that looks straight up at lamps of which it knows no more."""
    rng = np.random.default_rng(0)
    lamps = rng.uniform([0, 0, 3], [20, 12, 4], (LAMPS, 3))
    localizer = Localizer.from_map(lamps, config=lamp_config(), device=device)
    answer = localizer.localize(pixels_of(lamps, rng), CAMERA)
    if not isinstance(answer, Fix):
        return float("inf")
    return float(np.linalg.norm(answer.T_map_camera[:3, 3] - CENTRE))


CAMERA = Camera(np.array([[400.0, 0, 320], [0, 400, 240], [0, 0, 1]]), width=640, height=480)
CENTRE = np.array([8.0, 5.0, 0.5])


def lamp_config() -> LocalizerConfig:
    return LocalizerConfig(
        motion="floor", camera_mounting="up", camera_height_min=0.45, camera_height_max=0.55
    )


def pixels_of(lamps: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What the camera reports, (M, 2): one pixel of noise, in any order."""
    rays = (lamps - CENTRE) @ np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    pixels = 400 * rays[:, :2] / rays[:, 2:] + [320, 240] + rng.normal(size=(len(lamps), 2))
    return rng.permutation(pixels[CAMERA.image_contains(pixels)])


def _off(actual: Tensor, expected: Tensor) -> float:
    return float((actual - expected).detach().abs().max().cpu())
