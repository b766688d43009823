from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bpnp_ros.errors import WeightsError
from bpnp_ros.network.bpnpnet import BPnPNet
from bpnp_ros.weights.reference_checkpoint import (
    convert_reference_checkpoint,
    load_reference_checkpoint,
)
from bpnp_ros.weights.safetensors_file import load_weights


class Malicious:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.trace),)


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    return BPnPNet().state_dict()


def save(path: Path, weights: dict[str, Tensor], zipped: bool = True, **extra: Any) -> Path:
    content = {"epoch": 7, "state_dict": weights, "best_error": 1.5, "optimizer": {}, **extra}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    return path


def assert_same(actual: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert actual.keys() == expected.keys()
    assert all(torch.equal(actual[key], expected[key]) for key in expected)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_checkpoint_is_read_in_every_form_the_reference_wrote(
    tmp_path: Path, weights: dict[str, Tensor], zipped: bool, prefix: str
) -> None:
    saved = {prefix + key: value for key, value in weights.items()}
    checkpoint = load_reference_checkpoint(save(tmp_path / "a.pth.tar", saved, zipped))
    assert_same(checkpoint.state_dict, weights)
    assert (checkpoint.epoch, checkpoint.best_error) == (7, 1.5)


@pytest.mark.parametrize("number", [np.float64(2.5), np.float32(2.5), torch.tensor(2.5)])
def test_the_best_error_may_be_a_numpy_or_torch_number(
    tmp_path: Path, weights: dict[str, Tensor], number: Any
) -> None:
    path = save(tmp_path / "a.pth.tar", weights, best_error=number)
    assert load_reference_checkpoint(path).best_error == 2.5


def test_it_becomes_safetensors_that_the_network_takes(
    tmp_path: Path, weights: dict[str, Tensor]
) -> None:
    source, target = tmp_path / "model_best.pth.tar", tmp_path / "model.safetensors"
    convert_reference_checkpoint(save(source, weights), target)
    tensors, header = load_weights(target, "bpnpnet")
    BPnPNet().load_state_dict(tensors)
    assert_same(tensors, weights)
    assert header.training["imported_from"] == "model_best.pth.tar"
    assert header.training["epoch"] == 7


@pytest.mark.parametrize("zipped", [True, False])
def test_a_malicious_pickle_is_refused_by_name_and_not_run(
    tmp_path: Path, weights: dict[str, Tensor], zipped: bool
) -> None:
    trace = tmp_path / "was_here"
    path = save(tmp_path / "a.pth.tar", weights, zipped, best_error=Malicious(trace))
    with pytest.raises(WeightsError, match=r"posix\.mkdir.*refused"):
        load_reference_checkpoint(path)
    assert not trace.exists()


@pytest.mark.parametrize("protocol", [0, 2])
def test_a_bare_malicious_pickle_is_refused(tmp_path: Path, protocol: int) -> None:
    path, trace = tmp_path / "a.pth.tar", tmp_path / "was_here"
    path.write_bytes(pickle.dumps(Malicious(trace), protocol=protocol))
    with pytest.raises(WeightsError):
        load_reference_checkpoint(path)
    assert not trace.exists()


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_a_truncated_checkpoint_is_refused(
    tmp_path: Path, weights: dict[str, Tensor], share: float
) -> None:
    path = save(tmp_path / "a.pth.tar", weights)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(WeightsError, match="truncated"):
        load_reference_checkpoint(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"gone\.pth\.tar"):
        load_reference_checkpoint(tmp_path / "gone.pth.tar")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"stn.conv1.bias": torch.zeros(3)}, "stn.conv1.bias"),
        ({"stn.conv1.bias": torch.full((64,), torch.nan)}, "NaN"),
        ({"extra.weight": torch.zeros(3)}, "unknown 'extra.weight'"),
    ],
)
def test_weights_of_another_network_or_broken_ones_are_refused(
    tmp_path: Path, weights: dict[str, Tensor], change: dict[str, Tensor], complaint: str
) -> None:
    path = save(tmp_path / "a.pth.tar", {**weights, **change})
    with pytest.raises(WeightsError, match=complaint):
        load_reference_checkpoint(path)


def test_a_missing_weight_is_named(tmp_path: Path, weights: dict[str, Tensor]) -> None:
    rest = {key: value for key, value in weights.items() if key != "stn.fc3.bias"}
    with pytest.raises(WeightsError, match=r"lacks 'stn\.fc3\.bias'"):
        load_reference_checkpoint(save(tmp_path / "a.pth.tar", rest))


@pytest.mark.parametrize("content", [[1, 2], {"weights": {}}, {"state_dict": 3}])
def test_other_content_is_no_checkpoint(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "a.pth.tar"
    torch.save(content, path)
    with pytest.raises(WeightsError, match="no checkpoint"):
        load_reference_checkpoint(path)


@pytest.mark.parametrize("epoch", ["last", float("nan"), float("inf"), -3])
def test_an_epoch_that_is_no_count_is_refused(
    tmp_path: Path, weights: dict[str, Tensor], epoch: Any
) -> None:
    with pytest.raises(WeightsError, match="epoch"):
        load_reference_checkpoint(save(tmp_path / "a.pth.tar", weights, epoch=epoch))
