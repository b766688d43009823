"""Training for one map: one command, resumable, the same views for the same seed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from orbit import orbit, write_scene

from bpnp_ros.command import COULD_NOT_RUN
from bpnp_ros.errors import ConfigError
from bpnp_ros.weights.bundle import MapBundle
from training.own_map import views as training_views

pytest.importorskip("lightning")

from training.common.callbacks import Keep
from training.own_map.__main__ import main
from training.own_map.config import OwnMapConfig

SMALL = ["--places", "200", "--batch", "4", "--harmonics", "8", "--bands", "6", "--cell", "1.5"]


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A bare room as a map, and epochs of four steps."""
    on_ctrl_c = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(training_views, "EPOCH_BLOCKS", 4)
    rng = np.random.default_rng(0)
    points = rng.uniform([-3, -2.5, 0], [3, 2.5, 2.6], size=(200, 3))
    points[::2, 0] = 3 * rng.choice([-1, 1], 100)
    points[1::2, 1] = 2.5 * rng.choice([-1, 1], 100)
    np.savez(tmp_path / "room.npz", points=points)
    yield tmp_path
    signal.signal(signal.SIGINT, on_ctrl_c)  # Lightning ignores it once it was pressed


def train(room: Path, name: str, *options: str) -> int:
    paths = [str(room / "room.npz"), "--out", str(room / f"{name}.safetensors")]
    if "--resume" not in options:
        paths += ["--run", str(room / name)]
    return main([*paths, *SMALL, *options])


def test_photographs_say_where_the_camera_of_the_training_views_is(tmp_path: Path) -> None:
    scene = write_scene(orbit(), tmp_path / "scene.npz")
    out = tmp_path / "map.safetensors"
    command = [str(scene), "--photographs", "--map-scale", "2", "--out", str(out)]
    command += ["--run", str(tmp_path / "run"), "--minutes", "0", "--views", "16"]
    assert main([*command, *SMALL]) == 0
    bundle = MapBundle.load(out)
    assert bundle.scale == 2.0
    places = bundle.model.places.anchors.numpy() + bundle.model.point_map.origin
    assert np.allclose(places, 2 * orbit().T_map_camera[:, :3, 3], atol=1e-4)


def weights(room: Path, name: str) -> dict[str, torch.Tensor]:
    network = MapBundle.load(room / f"{name}.safetensors").network
    assert network is not None
    return dict(network.named_parameters())


def test_one_command_makes_a_bundle_that_says_how(room: Path) -> None:
    assert train(room, "a", "--minutes", "0", "--views", "16") == 0
    bundle = MapBundle.load(room / "a.safetensors")
    assert bundle.card["views"] == 16 and bundle.card["settings"]["places"] == 200
    assert len(bundle.model.point_map) == 200
    assert (room / "a" / "metrics.jsonl").read_text().count("\n") == 1


def test_a_run_stopped_by_ctrl_c_ends_like_one_that_never_was(
    room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = ("--minutes", "0", "--views", "32")
    assert train(room, "whole", *budget) == 0
    with monkeypatch.context() as patch:
        patch.setattr(Keep, "on_train_epoch_end", _keep_and_press_ctrl_c)
        assert train(room, "stopped", *budget) == 130
    assert MapBundle.load(room / "stopped.safetensors").card["views"] == 16
    assert train(room, "stopped", "--resume", str(room / "stopped")) == 0
    whole, resumed = weights(room, "whole"), weights(room, "stopped")
    for name, weight in whole.items():
        torch.testing.assert_close(resumed[name], weight, atol=0, rtol=0)


_keep = Keep.on_train_epoch_end


def _keep_and_press_ctrl_c(keeper: Keep, *trainer_and_module: Any) -> None:
    _keep(keeper, *trainer_and_module)
    raise KeyboardInterrupt


def test_a_run_is_not_overwritten_by_another(room: Path, capsys: pytest.CaptureFixture) -> None:
    assert train(room, "a", "--minutes", "0", "--views", "16") == 0
    assert train(room, "a", "--minutes", "0", "--views", "16") == COULD_NOT_RUN
    assert "--resume" in capsys.readouterr().err


def test_an_unknown_setting_is_named(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("minuts: 3\n")
    with pytest.raises(ConfigError, match="minuts"):
        OwnMapConfig.load(tmp_path / "c.yaml")
