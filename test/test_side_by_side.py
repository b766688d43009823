"""The reference code beside ours: the same start, the same batches, and an honest table."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

pytest.importorskip("lightning")

from paper_sets import POINTS, samples, write_set
from rich.console import Console

from bpnp_ros.errors import ConfigError
from bpnp_ros.network.bpnpnet import BPnPNet
from experiments import side_by_side
from experiments.reference_code import ReferenceCode
from experiments.side_by_side_report import TOLERANCE, table
from experiments.two_trainings import PHASES, Comparison, OurSide, Side, begin, compare, train_step
from training.datasets.reference_layout import StoredSamples
from training.datasets.sample import Batch, collate

PLAN = Comparison(points=POINTS, batch=2, steps=2, pose_steps=1, tests=1)
STAND_INS = {
    "model/model.py": """
import sys
from bpnp_ros.network.bpnpnet import BPnPNet
class DBPnP(BPnPNet):
    def __init__(self, args):
        assert len(sys.argv) == 1
        super().__init__()
""",
    "lib/losses.py": "from torch.nn import Identity as TotalLoss",
    "lib/optimal_transport.py": "",
    "lib/nonlinear_weighted_blind_pnp.py": """
import torch
def solve(B, A):
    return torch.solve(B, A)[0]
def upper_factor(A):
    return torch.cholesky(A, upper=True)
""",
}


@pytest.fixture
def reference(tmp_path: Path) -> Iterator[Path]:
    """A folder with modules of the reference's names, which ours stand behind."""
    for name, content in STAND_INS.items():
        path = tmp_path / "reference" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    known = set(sys.modules)
    yield tmp_path / "reference"
    for name in set(sys.modules) - known:
        if name.split(".")[0] in ("lib", "model"):
            del sys.modules[name]


class OneWeight:
    """One weight, with a loss of it."""

    def __init__(self, loss: Callable[[Tensor], Tensor]) -> None:
        self.network = nn.Linear(1, 1, bias=False)
        self.loss = loss

    def losses(self, batch: Batch, with_pose: bool) -> dict[str, Tensor]:
        return {"loss": self.loss(self.network.weight.sum())}


def without_gradient(weight: Tensor) -> Tensor:
    """A loss whose backward pass stops as that of the reference does at a singular matrix."""

    def stop(gradient: Tensor) -> None:
        raise torch.linalg.LinAlgError

    loss = weight * 1
    loss.register_hook(stop)
    return loss


def test_a_folder_without_the_reference_is_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no module model.model. git clone https"):
        ReferenceCode(tmp_path)


def test_what_went_out_of_torch_is_there_for_the_reference_alone(reference: Path) -> None:
    before = vars(torch).copy()
    ReferenceCode(reference)
    layer = sys.modules["lib.nonlinear_weighted_blind_pnp"]
    A, B = torch.tensor([[4.0, 2.0], [2.0, 5.0]]), torch.tensor([[2.0], [5.0]])
    torch.testing.assert_close(A @ layer.solve(B, A), B)
    U = layer.upper_factor(A)
    torch.testing.assert_close(U, U.triu())
    torch.testing.assert_close(U.T @ U, A)
    assert vars(torch) == before


def test_both_sides_start_from_the_same_weights(
    reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["side_by_side", "--steps", "3"])
    sides = begin(ReferenceCode(reference), seed=1, checkpoint=tmp_path / "start.pth.tar")
    theirs, ours = (side.network.state_dict() for side in sides.values())
    assert theirs.keys() == ours.keys()
    assert all(torch.equal(theirs[key], ours[key]) for key in theirs)
    assert sys.argv[1:] == ["--steps", "3"]


def test_equal_sides_get_equal_losses_of_every_step() -> None:
    network = BPnPNet()
    copy = BPnPNet.from_weights(network.state_dict())
    sides: dict[str, Side] = {"reference": OurSide(network), "ours": OurSide(copy)}
    views = StoredSamples(samples(4))
    results = compare(sides, views, views, PLAN, seed=0)
    theirs, ours = ([_losses(s) for s in results[name]["steps"]] for name in sides)
    assert theirs == ours and len(theirs) == 3
    assert ["rotation_deg" in losses for losses in ours] == [False, False, True]
    tests = results["ours"]["tests"]
    assert [test["samples"] for test in tests.values()] == [1, 1]
    assert tests["Lc"]["theta"] == results["reference"]["tests"]["Lc"]["theta"]


def _losses(step: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in step.items() if name != "seconds"}


@pytest.mark.parametrize(
    ("loss", "skipped"),
    [(torch.square, 0.0), (lambda weight: weight * torch.nan, 1.0), (without_gradient, 1.0)],
)
def test_a_step_without_a_finite_gradient_changes_nothing_and_is_counted(
    loss: Callable[[Tensor], Tensor], skipped: float
) -> None:
    side = OneWeight(loss)
    before = side.network.weight.item()
    adam = torch.optim.Adam(side.network.parameters())
    step = train_step(side, adam, collate(samples(1)), with_pose=False)
    assert step["skipped"] == skipped
    assert (side.network.weight.item() == before) == bool(skipped)


def test_a_seed_that_is_done_is_not_done_again(
    reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[int] = []

    def pretend(*arguments: Any) -> dict[str, Any]:
        done.append(arguments[-1])
        return {"ours": {}}

    monkeypatch.setattr(side_by_side, "compare", pretend)
    data, out = write_set(tmp_path / "data"), tmp_path / "out"
    options = argparse.Namespace(reference=reference, data=data, out=out, seeds=1, threads=1)
    plan = Comparison(dataset="modelnet40")
    side_by_side.run(options, plan)
    options.seeds = 2
    assert len(side_by_side.run(options, plan)) == 2 and done == [0, 1]
    with pytest.raises(ConfigError, match="other settings"):
        side_by_side.run(options, Comparison(dataset="modelnet40", batch=4))


def test_the_table_tells_ratios_of_speed_and_whether_errors_overlap() -> None:
    results = [_content(theirs, ours) for theirs, ours in ((1.0, 3.0), (2.0, 4.0))]
    rows = _rows(results)
    assert rows["trained a second"] == ["2 (2-2)", "4 (4-4)", "2 (2-2)"]
    assert rows["theta, rotation, deg, median"] == ["1.5 (1-2)", "3.5 (3-4)", "apart"]
    assert rows["theta, translation, q3"] == ["inf (inf-inf)", "inf (inf-inf)", "overlap"]


def _rows(results: list[dict[str, Any]]) -> dict[str, list[str]]:
    """What the table says of each measure, in the last phase."""
    console = Console(width=200, record=True)
    console.print(table(results))
    lines = [re.split(r"\s{2,}", line.strip()) for line in console.export_text().splitlines()]
    return {line[0]: line[1:] for line in lines}


def _content(theirs: float, ours: float) -> dict[str, Any]:
    """A seed's file: errors of both sides in degrees; ours twice as fast."""
    about = {"settings": {"batch": 8}}
    return {"about": about, "reference": _side(4.0, theirs), "ours": _side(2.0, ours)}


def _side(seconds: float, degrees: float) -> dict[str, Any]:
    estimate = {
        "rotation_deg": dict.fromkeys(("q1", "median", "q3"), degrees),
        "translation": dict.fromkeys(("q1", "median", "q3")),
        "recall": {TOLERANCE: 0.5},
    }
    test = {"seconds": {"median": seconds}, "theta0": estimate, "theta": estimate}
    steps = [{"phase": p, "seconds": seconds, "skipped": 0.0, "loss": 1.0} for p in PHASES]
    return {"steps": steps, "tests": dict.fromkeys(PHASES, test)}
