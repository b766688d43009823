"""Trajectory errors without alignment, and what evo finds in the same files, where installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from bpnp_ros.evaluation.trajectory import Trajectory, write_tum
from bpnp_ros.evaluation.trajectory_errors import (
    absolute_error,
    relative_error,
    within_two_sigma,
)
from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.geometry.transform import make_transform

RNG = np.random.default_rng(0)


def random_poses(count: int, spread: float = 1.0) -> np.ndarray:
    twists = torch.from_numpy(RNG.normal(scale=spread, size=(count, 6)))
    return make_transform(so3_exp(twists[:, 3:]), twists[:, :3]).numpy()


def test_a_constant_shift_is_an_absolute_error_and_no_relative_one() -> None:
    truth = random_poses(20)
    found = truth.copy()
    found[:, :3, 3] += [0.3, 0, 0.4]
    assert absolute_error(truth, found)["rmse"] == pytest.approx(0.5)
    shifted = np.eye(4)
    shifted[:3, 3] = 0.3, 0, 0.4
    translation, rotation = relative_error(truth, shifted @ truth)
    assert translation["max"] == pytest.approx(0, abs=1e-9)
    assert rotation["max"] == pytest.approx(0, abs=1e-5)


def test_one_jump_is_two_relative_errors() -> None:
    truth = random_poses(5)
    found = truth.copy()
    found[2, :3, 3] += [1.0, 0, 0]
    translation, _ = relative_error(truth, found)
    assert translation["rmse"] == pytest.approx(np.sqrt(2 / 4))


def test_honest_covariances_cover_95_percent_and_bold_ones_less() -> None:
    truth = random_poses(4000)
    sigma = np.array([0.1, 0.2, 0.3, 0.01, 0.02, 0.03])
    noise = torch.from_numpy(RNG.normal(size=(4000, 6)) * sigma)
    found = truth.copy()
    found[:, :3, 3] += noise[:, :3].numpy()
    found[:, :3, :3] = so3_exp(noise[:, 3:]).numpy() @ truth[:, :3, :3]  # about the map's axes
    honest = np.tile(np.diag(sigma**2), (4000, 1, 1))
    assert within_two_sigma(truth, found, honest) == pytest.approx((0.954, 0.954), abs=0.01)
    position, rotation = within_two_sigma(truth, found, honest / 16)
    assert position < 0.5 and rotation < 0.5


@pytest.mark.skipif(shutil.which("evo_ape") is None, reason="evo is not installed (GPL, optional)")
def test_evo_finds_the_same_errors_in_the_same_files(tmp_path: Path) -> None:
    truth = random_poses(30)
    found = truth @ random_poses(30, 0.05)
    stamps = 1_700_000_000_123_456_789 + 100_000_000 * np.arange(30)
    answered = np.sort(RNG.choice(30, 20, replace=False))
    write_tum(tmp_path / "truth.tum", Trajectory(stamps, truth))
    write_tum(tmp_path / "estimate.tum", Trajectory(stamps[answered], found[answered]))
    ours = absolute_error(truth[answered], found[answered])
    for name, value in evo(tmp_path, "evo_ape").items():
        assert ours[name] == pytest.approx(value, abs=2e-6)
    ours, _ = relative_error(truth[answered], found[answered])
    for name, value in evo(tmp_path, "evo_rpe").items():
        assert ours[name] == pytest.approx(value, abs=2e-6)


def evo(folder: Path, command: str) -> dict[str, float]:
    """The statistics that evo prints for truth.tum and estimate.tum, nothing being aligned."""
    words = [command, "tum", "truth.tum", "estimate.tum"]
    output = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True).stdout
    found = re.findall(r"^\s*(rmse|mean|median|std|max)\s+([\d.]+)$", output, re.MULTILINE)
    assert len(found) == 5, output
    return {name: float(value) for name, value in found}
