"""A GPU that is gone in the middle of a run is told in a sentence; the node lives on."""

from __future__ import annotations

import pytest

pytest.importorskip("sensor_msgs")

from bpnp_ros.localizer.types import Category
from bpnp_ros.runtime.answering import rejection_for


def test_it_is_told_in_one_sentence_with_advice() -> None:
    error = RuntimeError("CUDA error: unspecified launch failure\nCompile with TORCH_USE_CUDA_DSA")
    rejection = rejection_for(error)
    assert rejection.category is Category.INTERNAL_ERROR
    assert "unspecified launch failure" in rejection.message and "\n" not in rejection.message
    assert "start the node again, or set device to cpu" in rejection.message


def test_other_errors_are_told_as_they_are() -> None:
    assert rejection_for(RuntimeError("no")).message == "RuntimeError: no"
