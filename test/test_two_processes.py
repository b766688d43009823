"""torch's launcher and unchanged code: two processes train one network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from paper_sets import write_set

pytest.importorskip("lightning")

OPTIONS = ["--epochs", "1", "-b", "4", "-j", "0", "--num_points_train", "24"]
CHECKOUT = Path(__file__).resolve().parents[1]


def test_two_processes_train_together(tmp_path: Path) -> None:
    data = write_set(tmp_path / "data", train=6, test=2)
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    command = [sys.executable, *launcher, "-m", "training.main", *OPTIONS]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [*command, "--log-dir", str(tmp_path / "run"), str(data)],
        cwd=CHECKOUT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").open()]
    assert [(line["samples"], line["skipped"]) for line in lines] == [(8, 0)]
    assert lines[0]["val_rotation_deg"] > 0
    assert len((tmp_path / "run" / "starts.jsonl").read_text().splitlines()) == 1
