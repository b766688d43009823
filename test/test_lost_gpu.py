"""A GPU that is gone in the middle of a run is told in a sentence; the node lives on."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("sensor_msgs")

from bpnp_ros.errors import ConfigError
from bpnp_ros.localizer.types import Category
from bpnp_ros.runtime.answering import rejection_for


@pytest.mark.parametrize(
    "error",
    [
        torch.AcceleratorError("unspecified launch failure\nCompile with TORCH_USE_CUDA_DSA"),
        RuntimeError("CUDA error: unspecified launch failure\nCompile with TORCH_USE_CUDA_DSA"),
        RuntimeError("cuBLAS: unspecified launch failure"),
    ],
)
def test_it_is_told_in_one_sentence_with_advice(error: RuntimeError) -> None:
    rejection = rejection_for(error)
    assert rejection.category is Category.INTERNAL_ERROR
    assert "unspecified launch failure" in rejection.message and "\n" not in rejection.message
    assert "start the node again, or set device to cpu" in rejection.message


def test_other_errors_are_told_as_they_are() -> None:
    assert rejection_for(RuntimeError("no")).message == "RuntimeError: no"
    said = ConfigError("device cuda: there is no CUDA here; set device to cpu.")
    assert rejection_for(said).message == str(said)


def test_a_full_gpu_is_not_called_lost() -> None:
    message = rejection_for(torch.OutOfMemoryError("CUDA out of memory. Tried 2 GiB.")).message
    assert "too little memory" in message and "any longer" not in message
