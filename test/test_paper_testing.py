"""Testing tells what the paper tells, and counts failures."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from paper_sets import POINTS, samples, write_preprocessed, write_set
from torch import Tensor, nn

from bpnp_ros.command import COULD_NOT_RUN
from bpnp_ros.network.bpnpnet import BPnPNet, Matching
from bpnp_ros.optimal_transport.sinkhorn import SinkhornSettings, sinkhorn, uniform_prior

pytest.importorskip("lightning")

from training.datasets.reference_layout import StoredSamples
from training.datasets.source import Epoch
from training.main import main
from training.paper import evaluation as paper_evaluation
from training.paper.measuring import ESTIMATES, measured
from training.paper.report import summary, table


class Oracle(nn.Module):
    """Knows the pose of each sample, one after the other, and matches what projects together."""

    def __init__(self, poses: list[tuple[Any, Any]]) -> None:
        super().__init__()
        self.poses, self.scale = iter(poses), nn.Parameter(torch.ones(()))

    def forward(self, p2d: Tensor, p3d: Tensor, m: Tensor, n: Tensor, *priors: None) -> Matching:
        R, t = (torch.as_tensor(a, dtype=torch.float32) for a in next(self.poses))
        seen = p3d @ R.T + t
        distance = torch.cdist(p2d, seen[..., :2] / seen[..., 2:])
        row, column = (
            uniform_prior(c, length) for c, length in zip((m, n), distance.shape[1:], strict=True)
        )
        P = sinkhorn(distance, row, column, SinkhornSettings(sharpness=2000))
        nothing = p2d.new_zeros(0)
        return Matching(P, distance, nothing, nothing, nothing)


def oracle(views: list) -> Any:
    return Oracle([(view.R, view.t) for view in views])


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("matcher", ["sinkhorn", "hungarian"])
def test_good_matches_give_good_poses(matcher: str) -> None:
    views = samples(3, points=60)
    rows = list(measured(oracle(views), Epoch(StoredSamples(views), seed=0), matcher))
    for row in rows:
        for name in ESTIMATES:
            assert row[f"{name}_rotation_deg"] < 2 and row[f"{name}_translation"] < 0.2
            assert row[f"{name}_reprojection_deg"] < 0.3
        assert row["pairs"] == 60 and row["truth_inliers"] > 5
        assert row["truth_rotation_deg"] < 1e-3 and row["truth_translation"] == 0
    figures = summary(rows)
    assert figures["theta"]["recall"]["0.25, 5 deg"] == 1 and figures["theta"]["failed"] == 0


def test_a_failure_is_an_infinite_error() -> None:
    views = [*samples(1, points=60), *samples(3, points=3)]
    rows = list(measured(oracle(views), Epoch(StoredSamples(views), seed=0), "sinkhorn"))
    figures = summary(rows)
    for name in ESTIMATES:
        assert [math.isinf(row[f"{name}_translation"]) for row in rows] == [False] + [True] * 3
        assert figures[name]["failed"] == 3
        assert figures[name]["recall"]["0.25, 5 deg"] == 0.25
        assert figures[name]["rotation_deg"]["median"] == math.inf
    assert "3 of 4 found no pose" in table(figures)


def test_a_test_leaves_a_table_of_samples_and_its_sum(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    data = write_set(tmp_path / "data", test=3)
    out = tmp_path / "logs"
    assert main(["-e", "--log-dir", str(out), "--frac_outliers", "0.5", str(data)]) == 0
    rows = read_csv(out / "test_outliers_0.5.csv")
    assert [row["points_2d"] for row in rows] == [str(POINTS * 3 // 2)] * 3
    figures = json.loads((out / "test_outliers_0.5.json").read_text())
    assert figures["samples"] == 3 and figures["about"]["settings"]["frac_outliers"] == 0.5
    said = capsys.readouterr()
    assert "random weights" in said.err and "reprojection" in said.out


def test_failures_are_null_in_json(tmp_path: Path) -> None:
    place = tmp_path / "modelnet40_test" / "preprocessed"
    write_preprocessed(place, samples(2, points=3))
    assert main(["-e", "--log-dir", str(tmp_path), str(tmp_path)]) == 0
    figures = json.loads((tmp_path / "test.json").read_text())
    assert figures["theta"]["rotation_deg"]["median"] is None
    assert read_csv(tmp_path / "test.csv")[0]["theta_rotation_deg"] == "inf"


def test_the_weights_of_the_papers_code_are_tested_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_set(tmp_path / "data", test=1)
    torch.manual_seed(7)
    given = BPnPNet().state_dict()
    content = {"epoch": 3, "state_dict": given, "best_error": 1.0, "optimizer": {}}
    torch.save(content, tmp_path / "model_best.pth.tar")
    tested: list[BPnPNet] = []
    monkeypatch.setattr(paper_evaluation, "measured", _spy(tested))
    weights = str(tmp_path / "model_best.pth.tar")
    assert main(["-e", "--resume", weights, "--log-dir", str(tmp_path), str(data)]) == 0
    for name, weight in tested[0].state_dict().items():
        torch.testing.assert_close(weight, given[name], atol=0, rtol=0)


def _spy(tested: list[BPnPNet]) -> Any:
    def spy(network: BPnPNet, *others: Any) -> Any:
        tested.append(network)
        return measured(network, *others)

    return spy


def test_a_malicious_set_ends_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    data = write_set(tmp_path / "data")
    pickle_file = data / "modelnet40_test" / "preprocessed" / "W_gt.pkl"
    pickle_file.write_bytes(b"cos\nsystem\n(S'touch was_here'\ntR.")
    assert main(["-e", "--log-dir", str(tmp_path), str(data)]) == COULD_NOT_RUN
    error = capsys.readouterr().err.splitlines()[-1]
    assert "W_gt.pkl asks for 'os.system'" in error and error.startswith("error:")
