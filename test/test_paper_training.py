"""BPnPNet is trained by the paper's command line, and a run can be trusted."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from paper_sets import write_set
from torch import Tensor

from bpnp_ros.command import COULD_NOT_RUN
from bpnp_ros.network.bpnpnet import BPnPNet
from bpnp_ros.weights.safetensors_file import load_weights

pytest.importorskip("lightning")

from training.common.callbacks import Keep
from training.datasets.sample import Batch
from training.main import main
from training.paper import module as paper_module
from training.paper.config import PaperConfig
from training.paper.module import PaperTraining
from training.paper.ship import main as ship

QUICK = ["--epochs", "2", "-b", "3", "-j", "0", "--num_points_train", "24"]
ONLY_LC = ["--poseloss", "9", "--validate-every", "0"]


@pytest.fixture(autouse=True)
def calm() -> Iterator[None]:
    """One thread, so that sums are added in one order; Ctrl-C as it was."""
    threads, on_ctrl_c = torch.get_num_threads(), signal.getsignal(signal.SIGINT)
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    signal.signal(signal.SIGINT, on_ctrl_c)  # Lightning ignores it once it was pressed


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_set(tmp_path_factory.mktemp("data"))


def train(data: Path, run: Path, *options: str) -> int:
    return main([*QUICK, "--log-dir", str(run), *options, str(data)])


def weights(run: Path) -> dict[str, Tensor]:
    return load_weights(run / "weights.safetensors", "bpnpnet")[0]


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, weight in one.items():
        torch.testing.assert_close(other[name], weight, atol=0, rtol=0)


def lines(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_a_run_leaves_all_that_is_needed_to_trust_it(data: Path, tmp_path: Path) -> None:
    assert train(data, tmp_path / "run", "--poseloss", "1") == 0
    run = tmp_path / "run"
    assert PaperConfig.load(run / "config.yaml").poseloss == 1
    (start,) = map(json.loads, (run / "starts.jsonl").read_text().splitlines())
    assert {"time", "command", "revision", "torch"} <= start.keys()
    assert list((run / "tensorboard").glob("events*"))
    assert {"last.ckpt", "best.ckpt", "weights.safetensors"} <= {p.name for p in run.iterdir()}
    first, second = lines(run)
    assert "rotation_deg" not in first and second["rotation_deg"] > 0
    assert second["val_loss"] == pytest.approx(
        second["val_Lc"] + np.radians(second["val_rotation_deg"]) + second["val_translation"], 1e-3
    )


def test_a_stopped_run_ends_like_one_that_never_was(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert train(data, whole, "--poseloss", "1") == 0
    with monkeypatch.context() as patch:
        patch.setattr(Keep, "on_train_epoch_end", _keep_and_press_ctrl_c)
        assert train(data, stopped, "--poseloss", "1") == 130
    assert len(lines(stopped)) == 1
    assert main(["--resume", str(stopped), "-j", "0", str(data)]) == 0
    assert_same(weights(whole), weights(stopped))
    assert [line["loss"] for line in lines(whole)] == [line["loss"] for line in lines(stopped)]


_keep = Keep.on_train_epoch_end


def _keep_and_press_ctrl_c(keeper: Keep, *trainer_and_module: Any) -> None:
    _keep(keeper, *trainer_and_module)
    raise KeyboardInterrupt


def test_validation_does_not_disturb_the_training(data: Path, tmp_path: Path) -> None:
    checkpoints = []
    for every in ("0", "1"):
        run = tmp_path / every
        assert train(data, run, "--poseloss", "9", "--validate-every", every) == 0
        checkpoints.append(torch.load(run / "last.ckpt", weights_only=True)["state_dict"])
    assert_same(*checkpoints)


def test_one_batch_can_be_learnt_by_heart(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paper_module, "OVERFIT_STEPS", 8)
    assert train(data, tmp_path, "--overfit", "--poseloss", "9") == 0
    first, last = lines(tmp_path)
    assert last["loss"] < first["loss"] < 0.95
    assert "val_loss" not in last


def test_a_run_goes_on_from_a_checkpoint_of_the_papers_code(data: Path, tmp_path: Path) -> None:
    network = BPnPNet()
    adam = torch.optim.Adam(network.parameters(), lr=1e-9, weight_decay=0)
    content = {"epoch": 1, "best_error": 0.5, "optimizer": adam.state_dict()}
    saved = {f"module.{name}": weight for name, weight in network.state_dict().items()}
    torch.save({**content, "state_dict": saved}, tmp_path / "checkpoint_epoch_1.pth.tar")
    start = str(tmp_path / "checkpoint_epoch_1.pth.tar")
    assert train(data, tmp_path / "run", "--resume", start, *ONLY_LC) == 0
    assert [line["epoch"] for line in lines(tmp_path / "run")] == [1]
    trained = weights(tmp_path / "run")
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(trained[name], parameter.detach(), atol=1e-6, rtol=0)


def test_a_network_with_a_dustbin_learns_from_outliers_and_is_tested_as_such(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    run = tmp_path / "run"
    assert train(data, run, "--loss", "log_likelihood", "--poseloss", "1") == 0
    assert weights(run)["dustbin_distance"] != 1
    first, second = lines(run)
    assert first["loss"] > 1 > first["Lc"] and second["translation"] > 0
    best = str(run / "weights.safetensors")
    assert main(["-e", "--resume", best, "--frac_outliers", "1", str(data)]) == 0
    assert (
        train(data, tmp_path / "other", "--resume", best, "--loss", "correspondence")
        == COULD_NOT_RUN
    )
    assert "dustbin" in capsys.readouterr().err


def test_steps_that_are_not_a_number_change_nothing_and_are_counted(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    losses = PaperTraining.losses

    def spoilt(module: PaperTraining, batch: Batch) -> dict[str, Tensor]:
        broken = batch._replace(p2d=batch.p2d * np.nan) if module.global_step else batch
        return losses(module, broken)

    monkeypatch.setattr(PaperTraining, "losses", spoilt)
    assert train(data, tmp_path / "spoilt", *ONLY_LC) == 0
    assert [line["skipped"] for line in lines(tmp_path / "spoilt")] == [1, 3]
    assert "step 2: not a number; skipped" in capsys.readouterr().err
    state = torch.load(tmp_path / "spoilt" / "last.ckpt", weights_only=True)["state_dict"]
    assert all(tensor.isfinite().all() for tensor in state.values())
    assert int(state["network.stn.bn1.num_batches_tracked"]) == 1


def test_without_cuda_the_cpu_is_used_with_a_warning(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is CUDA here")
    assert train(data, tmp_path, "--gpu", "0", "--epochs", "1", *ONLY_LC) == 0
    assert "warning: no CUDA" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("epoch: 3", "unknown setting epoch"),
        ("epochs: -3", "epochs is -3"),
        ("epochs: many", "of type int"),
        ("dataset: imagenet", "one of modelnet40"),
        ("- 3", "no `name: value`"),
        ("a: {", "cannot be read"),
    ],
)
def test_a_setting_that_cannot_be_is_named(
    data: Path, tmp_path: Path, setting: str, complaint: str, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "c.yaml").write_text(setting)
    assert main(["--config", str(tmp_path / "c.yaml"), str(data)]) == COULD_NOT_RUN
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--resume", "gone"], "gone"),
        (["--resume", "gone.pth.tar"], "no checkpoint at gone.pth.tar"),
        (["--dataset", "megadepth"], "megadepth_"),
        (["--matcher", "hungarian"], "no gradient"),
    ],
)
def test_what_cannot_be_trained_is_told_without_a_traceback(
    data: Path, tmp_path: Path, options: list[str], complaint: str, capsys: pytest.CaptureFixture
) -> None:
    assert train(data, tmp_path, *options) == COULD_NOT_RUN
    assert complaint in capsys.readouterr().err


def test_a_run_is_not_overwritten_by_another(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "last.ckpt").touch()
    assert train(data, tmp_path) == COULD_NOT_RUN
    assert "--resume" in capsys.readouterr().err


def test_weights_tell_what_they_started_from(data: Path, tmp_path: Path) -> None:
    first, then = tmp_path / "first", tmp_path / "then"
    assert train(data, first, *ONLY_LC) == 0
    assert train(data, then, *ONLY_LC, "--resume", str(first / "weights.safetensors")) == 0
    cards = [
        load_weights(run / "weights.safetensors", "bpnpnet")[1].training for run in (first, then)
    ]
    assert cards[1]["started from"] == cards[0] and "started from" not in cards[0]


def test_shipped_weights_are_half_as_large_and_tell_their_figures(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    run, shipped = tmp_path / "run", tmp_path / "shipped.safetensors"
    assert train(data, run, *ONLY_LC) == 0
    trained = run / "weights.safetensors"
    assert main(["-e", "--resume", str(trained), "--log-dir", str(tmp_path), str(data)]) == 0
    assert ship([str(trained), str(shipped), "--figures", str(tmp_path / "test.json")]) == 0
    assert shipped.stat().st_size < 0.6 * trained.stat().st_size
    loaded, header = load_weights(shipped, "bpnpnet")
    whole = weights(run)
    assert all(torch.allclose(loaded[k].float(), whole[k].float(), atol=1e-3) for k in whole)
    figures = header.training["figures"][0]
    assert figures["dataset"] == "modelnet40" and set(figures["recall"]) == {
        "theta0",
        "theta",
        "LM",
    }
    (tmp_path / "no.json").write_text("{}")
    assert (
        ship([str(trained), str(shipped), "--figures", str(tmp_path / "no.json")]) == COULD_NOT_RUN
    )
    assert "is not the JSON of a test" in capsys.readouterr().err


def test_the_short_spelling_of_the_paper_s_code_works(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-ntrain", "0", "--log-dir", str(tmp_path / "run"), str(data)]) == COULD_NOT_RUN
    assert "num_points_train is 0" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"garbage", [1], {"epoch": 0}, {"state_dict": {}}])
def test_a_checkpoint_that_is_none_is_refused(
    content: object, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "odd.ckpt"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    assert main(["--resume", str(path), "--log-dir", str(tmp_path / "run"), str(data)]) == 2
    assert "no checkpoint of ours" in capsys.readouterr().err
