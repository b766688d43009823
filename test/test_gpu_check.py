"""The command for a GPU at hand for minutes, as far as a processor can tell."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from experiments.gpu_check import learning
from experiments.gpu_check.__main__ import main
from experiments.gpu_check.learning import learn, shipped_weights
from training.datasets.sample import Batch

CHECKOUT = Path(__file__).parents[1]
MISSING = "open3d poselib rclpy safetensors numba lightning yaml rich matplotlib rosbags scipy"
BARE = f"""
import sys
sys.modules.update(dict.fromkeys({MISSING.split()!r}))
from experiments.gpu_check.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_bare_machine_is_all_it_takes(tmp_path: Path) -> None:
    words = ["--device", "cpu", "--minutes", "0.1", "--points", "16", "--out", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-c", BARE, *words],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every check passed" in done.stdout and done.stdout.count("ok  ") == 6
    rows = (tmp_path / "times.md").read_text().splitlines()
    assert rows[0] == "| stage | processor, ms |" and len(rows) == 13


def test_without_a_gpu_it_says_so(capsys: pytest.CaptureFixture) -> None:
    if not torch.cuda.is_available():
        assert main(["--minutes", "0.1"]) == 2
        assert "no GPU that this PyTorch can use" in capsys.readouterr().err
    assert main(["--device", "abacus"]) == 2
    assert "'abacus' is no device" in capsys.readouterr().err


def test_weights_read_without_their_library_are_the_same() -> None:
    load_file = pytest.importorskip("safetensors.torch").load_file
    expected = load_file(CHECKOUT / "bpnp_ros" / "data" / "any_map.safetensors")
    found = shipped_weights()
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name].float()) for name in expected)


def learnt(path: Path, seconds: float) -> int:
    """Samples that the file knows of after so long a training."""
    learn(torch.device("cpu"), path, time.monotonic() + seconds)
    samples: int = torch.load(path, weights_only=True)["samples"]
    return samples


def test_a_training_in_pieces_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "A_LINE", 0.0)
    monkeypatch.setattr(learning, "POINTS", 24)
    first = learnt(tmp_path / "weights.pt", 0.0)
    assert 0 < first < learnt(tmp_path / "weights.pt", 0.0)


def test_without_memory_it_goes_on_with_fewer_samples_and_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def step(network: object, adam: object, batch: Batch) -> float:
        if len(batch.R) > 8:
            raise torch.OutOfMemoryError
        return 0.0

    monkeypatch.setattr(learning, "A_LINE", 0.0)
    monkeypatch.setattr(learning, "step", step)
    assert learnt(tmp_path / "weights.pt", 0.0) % 8 == 0
    assert capsys.readouterr().out.count("too little memory: 8 samples a step") == 1
