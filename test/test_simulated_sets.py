"""Simulated scenes are blind PnP sets with a known answer."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("lightning")

from training.datasets.sample import Sample
from training.datasets.simulated import LEAST, MOST, SimulatedScenes
from training.datasets.solids import Solids, make_solids
from training.datasets.source import Epoch
from training.datasets.words import open_set
from training.main import main

BALL_BEFORE_CUBE = Solids(
    centre=np.array([[0, 0, 4.0], [0, 0, 8.0]]),
    axes=np.stack([np.diag([1, 1, 2.0]), np.diag([3.0, 3, 1])]),
    ball=np.array([True, False]),
    texture=np.ones(2),
)


@pytest.fixture
def calm() -> Iterator[None]:
    """Ctrl-C and threads as they were, whatever Lightning does to them."""
    threads, on_ctrl_c = torch.get_num_threads(), signal.getsignal(signal.SIGINT)
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    signal.signal(signal.SIGINT, on_ctrl_c)


def samples(count: int, rate: float) -> list[Sample]:
    scenes = SimulatedScenes("train", rate)
    return [scenes.draw(i, np.random.default_rng(i)) for i in range(count)]


def test_a_ray_ends_at_the_first_solid() -> None:
    rays = np.array([[0, 0, 1.0], [0.35, 0, 1.0], [0, 0, -1.0]])
    distance, solid = BALL_BEFORE_CUBE.first_hit(np.zeros(3), rays)
    np.testing.assert_allclose(distance, [2, 7, np.inf])
    assert solid[:2].tolist() == [0, 1]


def test_a_solid_hides_what_is_behind_it() -> None:
    points = np.array([[0, 0, 2.0], [0, 0, 7.0], [2.5, 0, 7.0]])
    seen = BALL_BEFORE_CUBE.seen_from(np.zeros(3), points, 0.01)
    assert seen.tolist() == [True, False, True]


def test_keypoints_are_the_images_of_their_points() -> None:
    for sample in samples(20, 0.3):
        matched = np.flatnonzero(sample.partner >= 0)
        seen = sample.p3d[matched] @ sample.R.T + sample.t
        error = np.abs(seen[:, :2] / seen[:, 2:] - sample.p2d[sample.partner[matched]])
        assert (seen[:, 2] > 0).all() and np.median(error) < 0.005
        assert len(np.unique(sample.partner[matched])) == len(matched)


def test_the_map_has_the_frame_of_networks_for_any_map() -> None:
    for sample in samples(5, 0.0):
        np.testing.assert_allclose(np.median(sample.p3d, axis=0), 0, atol=1e-9)
        assert np.median(np.linalg.norm(sample.p3d, axis=1)) == pytest.approx(1)


@pytest.mark.parametrize("rate", [0.0, 0.25, 0.6])
def test_the_outlier_rate_is_that_of_both_sets(rate: float) -> None:
    for sample in samples(5, rate):
        matched = (sample.partner >= 0).sum()
        assert LEAST <= len(sample.p3d) == len(sample.p2d) <= MOST
        assert 1 - matched / len(sample.p3d) == pytest.approx(rate, abs=0.02)


def test_left_to_itself_half_of_the_samples_have_no_outliers() -> None:
    rates = [np.mean(sample.partner < 0) for sample in samples(60, -1.0)]
    assert 15 < np.count_nonzero(rates) < 45 and max(rates) > 0.5


def test_a_sample_depends_on_seed_epoch_and_index_only() -> None:
    scenes = open_set(Path("nowhere"), "simulated", "train")
    one, again = (Epoch(scenes, seed=3, epoch=2)[5] for _ in range(2))
    np.testing.assert_array_equal(one.p3d, again.p3d)
    other = Epoch(scenes, seed=3, epoch=3)[5]
    assert len(other.p3d) != len(one.p3d) or not np.allclose(other.p3d, one.p3d)


def test_training_and_testing_share_no_scene() -> None:
    train, test = (
        SimulatedScenes(split, 0.0).draw(0, np.random.default_rng(0)) for split in ("train", "test")
    )
    assert len(train.p3d) != len(test.p3d) or not np.allclose(train.p3d, test.p3d)


def test_every_scene_has_something_in_the_middle_of_the_view() -> None:
    for seed in range(20):
        solids = make_solids(np.random.default_rng(seed))
        assert np.linalg.norm(solids.centre - [0, 0, 1], axis=1).min() < 1.5
        assert (np.abs(np.linalg.det(solids.axes)) > 0).all()


@pytest.mark.usefixtures("calm")
def test_a_network_is_trained_on_them_without_any_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.datasets.simulated.SCENES", {"train": 8, "test": 2})
    options = ["--dataset", "simulated", "--num_points_train", "24", "-b", "4", "-j", "0"]
    run = ["--epochs", "2", "--poseloss", "9", "--final-rate", "0.1", "--log-dir", str(tmp_path)]
    assert main([*options, *run, str(tmp_path)]) == 0
    checkpoint = torch.load(tmp_path / "last.ckpt", weights_only=True)
    rate = checkpoint["optimizer_states"][0]["param_groups"][0]["lr"]
    assert rate == pytest.approx(1e-4)
