"""The attention variant is trained by the same command, on sets that grow harder."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

pytest.importorskip("lightning")

from bpnp_ros.network.attention import BLOCKS, AttentionBPnPNet
from bpnp_ros.network.attention_blocks import AttentionBlock
from bpnp_ros.weights.bpnpnet_file import load_bpnpnet, load_bpnpnet_weights
from training.common.callbacks import Keep
from training.datasets.crops import FEWEST_PAIRS, SimulatedCrops
from training.datasets.sample import Sample
from training.main import main
from training.paper.checkpoints import load_start

QUICK = ["--dataset", "simulated", "--epochs", "3", "-b", "4", "-j", "0", "--num_points_train"]
ATTENTION = ["--network", "attention", "--loss", "log_likelihood", "--curriculum"]
NO_POSE = ["--poseloss", "9", "--validate-every", "0"]


@pytest.fixture(autouse=True)
def calm(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Few samples, one thread, and Ctrl-C as it was."""
    sizes = {"train": 8, "test": 2}
    monkeypatch.setattr("training.datasets.simulated.SCENES", sizes)
    monkeypatch.setattr("training.datasets.crops.SCENES", sizes)
    threads, on_ctrl_c = torch.get_num_threads(), signal.getsignal(signal.SIGINT)
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    signal.signal(signal.SIGINT, on_ctrl_c)


def train(run: Path, *options: str) -> int:
    return main([*QUICK, "24", *ATTENTION, *NO_POSE, "--log-dir", str(run), *options, "."])


def weights(run: Path) -> dict[str, Tensor]:
    return load_bpnpnet_weights(run / "weights.safetensors")[0]


def lines(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def crops(progress: float, count: int = 20) -> list[Sample]:
    source = SimulatedCrops.at(progress, 1000)
    return [source.draw(i, np.random.default_rng(i)) for i in range(count)]


def test_one_word_chooses_the_network_and_its_weights_tell(tmp_path: Path) -> None:
    assert train(tmp_path / "run") == 0
    path = tmp_path / "run" / "weights.safetensors"
    assert isinstance(load_bpnpnet(path), AttentionBPnPNet)
    tested = ["-e", "--resume", str(path), "--dataset", "simulated", "--log-dir", str(tmp_path)]
    assert main([*tested, "."]) == 0
    then = tmp_path / "then"
    assert train(then, "--resume", str(path), "--poseloss", "0", "--epochs", "1") == 0
    assert lines(then)[0]["rotation_deg"] > 0


def killed_after_an_epoch(run: Path) -> None:
    keep = Keep.on_train_epoch_end

    def keep_and_die(*trained: Any) -> None:
        keep(*trained)
        os.kill(os.getpid(), signal.SIGKILL)

    Keep.on_train_epoch_end = keep_and_die  # type: ignore[method-assign, assignment]
    train(run)


def test_a_training_that_was_killed_goes_on_and_ends_the_same(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert train(whole) == 0
    victim = multiprocessing.get_context("fork").Process(
        target=killed_after_an_epoch, args=(killed,)
    )
    victim.start()
    victim.join(120)
    assert victim.exitcode == -signal.SIGKILL and len(lines(killed)) == 1
    assert main(["--resume", str(killed), "-j", "0", "."]) == 0
    assert [line["loss"] for line in lines(whole)] == [line["loss"] for line in lines(killed)]
    for name, weight in weights(whole).items():
        torch.testing.assert_close(weights(killed)[name], weight, atol=0, rtol=0)
    assert isinstance(load_bpnpnet(killed / "weights.safetensors"), AttentionBPnPNet)


def test_the_average_of_the_weights_is_what_is_published_and_gone_on_from(tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert train(run, "--average", "0.5", "--epochs", "1") == 0
    state = torch.load(run / "last.ckpt", weights_only=True)["state_dict"]
    published = weights(run)
    assert published.keys() == load_start(run / "last.ckpt").weights.keys()
    for name, weight in published.items():
        torch.testing.assert_close(weight, state[f"average.module.{name}"], rtol=0, atol=0)
        torch.testing.assert_close(weight, load_start(run / "last.ckpt").weights[name])
    last = state["network.projection_2d.weight"]
    assert not torch.equal(published["projection_2d.weight"], last)


def test_blocks_are_compiled_where_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[AttentionBlock] = []
    monkeypatch.setattr(AttentionBlock, "compile", lambda block: compiled.append(block))
    assert train(tmp_path, "--compile", "--epochs", "1") == 0
    assert len(compiled) == BLOCKS


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--loss", "correspondence"], "has a dustbin: give --loss log_likelihood"),
        (["--dataset", "sfm"], "--curriculum makes its own sets"),
        (["--network", "transformer"], "must be one of paper, attention"),
    ],
)
def test_what_does_not_go_together_is_told(
    tmp_path: Path, options: list[str], complaint: str, capsys: pytest.CaptureFixture
) -> None:
    assert train(tmp_path, *options) == 2
    assert complaint in capsys.readouterr().err


def test_weights_of_the_other_variant_are_no_start(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert train(tmp_path / "run", "--epochs", "1") == 0
    start = ["--resume", str(tmp_path / "run" / "weights.safetensors")]
    assert train(tmp_path / "then", *start, "--network", "paper", "--epochs", "1") == 2
    assert "--network paper does not suit" in capsys.readouterr().err


def test_the_learning_rate_rises_first(tmp_path: Path) -> None:
    assert train(tmp_path, "--warm-up", "100", "--epochs", "1") == 0
    checkpoint = torch.load(tmp_path / "last.ckpt", weights_only=True)
    rate = checkpoint["optimizer_states"][0]["param_groups"][0]["lr"]
    assert rate == pytest.approx(3e-5)


def test_crops_grow_harder_and_larger() -> None:
    first, last = crops(0.0), crops(1.0)
    assert all(
        (sample.partner >= 0).all() and len(sample.p2d) == len(sample.p3d) for sample in first
    )
    assert max(len(sample.p3d) for sample in first) <= 64 < max(len(s.p3d) for s in last) <= 256
    rates = np.array(
        [[1 - (s.partner >= 0).sum() / len(s.p2d), np.mean(s.partner < 0)] for s in last]
    )
    assert (rates.max(0) > 0.7).all() and np.abs(rates[:, 0] - rates[:, 1]).max() > 0.3
    assert min((sample.partner >= 0).sum() for sample in last) >= FEWEST_PAIRS


def test_keypoints_of_crops_are_the_images_of_their_points() -> None:
    for sample in crops(0.8):
        matched = np.flatnonzero(sample.partner >= 0)
        seen = sample.p3d[matched] @ sample.R.T + sample.t
        error = np.abs(seen[:, :2] / seen[:, 2:] - sample.p2d[sample.partner[matched]])
        assert (seen[:, 2] > 0).all() and np.median(error) < 0.005


def share_out_of_sight(whole_maps: float) -> float:
    """Of the points of some crops, those beyond the image that the keypoints are in."""
    source = SimulatedCrops(0.9, whole_maps, most=192)
    samples = [source.draw(i, np.random.default_rng(i)) for i in range(60)]
    beyond = []
    for sample in samples:
        x = sample.p3d @ sample.R.T + sample.t
        limit = np.abs(sample.p2d).max(axis=0)
        beyond.append((np.abs(x[:, :2]) > limit * np.abs(x[:, 2:])).any(axis=1))
    return float(np.concatenate(beyond).mean())


def test_the_map_of_a_crop_may_go_on_beyond_the_image() -> None:
    assert share_out_of_sight(whole_maps=1.0) > share_out_of_sight(whole_maps=0.0)
