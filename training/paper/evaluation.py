"""Test BPnPNet on a data set, and store what the paper reports."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

from bpnp_ros.network.matching import MatchingNetwork
from training.common import progress_line
from training.common.devices import torch_device
from training.common.run_folder import revision
from training.datasets.source import Epoch
from training.datasets.words import open_set
from training.paper.checkpoints import load_start, started_network
from training.paper.config import PaperConfig
from training.paper.measuring import Row, measured
from training.paper.report import summary, table, write_json, written
from training.paper.training import new_network


def evaluate(
    config: PaperConfig, folder: Path, weights: Path | None, out: Path, gpu: int | None = None
) -> None:
    """Write `out`/test<options>.csv, one row a sample, and .json, and print a table."""
    network = _network(config, weights)
    source = open_set(folder, config.dataset, "test", config.outlier_rate)
    samples = Epoch(source, config.seed, outliers=config.frac_outliers)
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"test{_suffix(config)}.csv"
    network = network.to(torch_device(gpu))
    rows = measured(network, samples, config.matcher, config.detectability)
    figures = summary(list(_with_progress(written(rows, path), len(samples), config.print_freq)))
    about = {
        "weights": weights and str(weights),
        "settings": asdict(config),
        "revision": revision(),
    }
    write_json(path.with_suffix(".json"), about, figures)
    print(f"\n{table(figures)}\n{path} and .json")


def _network(config: PaperConfig, weights: Path | None) -> MatchingNetwork:
    if weights is None:
        print("warning: no --resume, so random weights are tested.", file=sys.stderr)
        return new_network(config)
    return started_network(load_start(weights), weights, config.bf16)


def _suffix(config: PaperConfig) -> str:
    outliers = f"_outliers_{config.frac_outliers:g}" if config.frac_outliers else ""
    outliers += f"_rate_{config.outlier_rate:g}" if config.outlier_rate >= 0 else ""
    return outliers + ("" if config.matcher == "sinkhorn" else f"_{config.matcher}")


def _with_progress(rows: Iterable[Row], count: int, steps_a_line: int) -> Iterator[Row]:
    started = time.monotonic()
    for done, row in enumerate(rows, start=1):
        if done % steps_a_line == 0:
            left = (time.monotonic() - started) / done * (count - done)
            progress_line.show(f"{done} of {count} samples, {left / 60:.1f} min left")
        yield row
