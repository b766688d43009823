from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from bpnp_ros.errors import WeightsError
from bpnp_ros.weights.safetensors_file import WeightsHeader, load_weights, save_weights

HEADER = WeightsHeader("bpnpnet", map={"name": "hall"}, training={"epoch": 3, "loss": 0.25})


def tensors() -> dict[str, Tensor]:
    return {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(5)}


def test_tensors_and_header_come_back(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_weights(path, tensors(), HEADER)
    loaded, header = load_weights(path, "bpnpnet")
    assert header == HEADER
    assert loaded.keys() == tensors().keys()
    assert all(torch.equal(loaded[key], value) for key, value in tensors().items())


def test_views_and_parameters_can_be_saved(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    parameter = torch.nn.Parameter(torch.rand(2, 3))
    save_weights(path, {"a": parameter.T, "b": parameter}, HEADER)
    assert torch.equal(load_weights(path, "bpnpnet")[0]["a"], parameter.T)


def test_saving_leaves_no_other_file_and_replaces_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_weights(path, {"old": torch.zeros(1)}, HEADER)
    save_weights(path, tensors(), HEADER)
    assert list(tmp_path.iterdir()) == [path]
    assert load_weights(path, "bpnpnet")[0].keys() == tensors().keys()


def test_other_users_may_read_what_was_saved(tmp_path: Path) -> None:
    mask = os.umask(0o022)
    try:
        save_weights(tmp_path / "w.safetensors", tensors(), HEADER)
    finally:
        os.umask(mask)
    assert (tmp_path / "w.safetensors").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("size", [0, 4, 60, -1])
def test_a_truncated_file_is_refused_with_advice(tmp_path: Path, size: int) -> None:
    path = tmp_path / "w.safetensors"
    save_weights(path, tensors(), HEADER)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(WeightsError, match=r"truncated.*copy it again"):
        load_weights(path, "bpnpnet")


def test_bytes_that_are_no_safetensors_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"<html>not found</html>" * 100)
    with pytest.raises(WeightsError, match="no safetensors"):
        load_weights(path, "bpnpnet")


def test_a_foreign_safetensors_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_file(tensors(), path)
    with pytest.raises(WeightsError, match="not written by bpnp_ros"):
        load_weights(path, "bpnpnet")


@pytest.mark.parametrize("header", ["{", "3", "[]", "{}", '{"version": 1, "colour": 3}'])
def test_a_damaged_header_is_refused(tmp_path: Path, header: str) -> None:
    path = tmp_path / "w.safetensors"
    save_file(tensors(), path, metadata={"bpnp_ros": header})
    with pytest.raises(WeightsError, match="damaged"):
        load_weights(path, "bpnpnet")


def test_a_newer_format_asks_for_an_update(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_file(tensors(), path, metadata={"bpnp_ros": '{"version": 99}'})
    with pytest.raises(WeightsError, match="update"):
        load_weights(path, "bpnpnet")


def test_another_architecture_is_named(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_weights(path, tensors(), HEADER)
    with pytest.raises(WeightsError, match=r"'bpnpnet'.*'bpnpnet_map'"):
        load_weights(path, "bpnpnet_map")


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"gone\.safetensors"):
        load_weights(tmp_path / "gone.safetensors", "bpnpnet")


def test_a_failed_save_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_weights(path, tensors(), HEADER)
    with pytest.raises(TypeError):
        save_weights(path, {}, WeightsHeader("bpnpnet", training={"x": object()}))
    assert load_weights(path, "bpnpnet")[1] == HEADER
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("kind", [torch.float32, torch.float16])
def test_weights_that_are_no_numbers_are_named(
    value: float, kind: torch.dtype, tmp_path: Path
) -> None:
    path = tmp_path / "w.safetensors"
    save_weights(path, {"good": torch.ones(2), "bad": torch.tensor([1, value], dtype=kind)}, HEADER)
    with pytest.raises(WeightsError, match="'bad'"):
        load_weights(path, "bpnpnet")


def test_a_header_that_promises_more_than_the_file_holds_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    promise = b'{"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}'
    for length in (len(promise), 2**62):
        path.write_bytes(length.to_bytes(8, "little") + promise)
        with pytest.raises(WeightsError, match="truncated"):
            load_weights(path, "bpnpnet")
