"""The weights of the probability that a pose is wrong, from the frames that were collected.

python -m experiments.trust.fit [--results trust.jsonl] [--seeds 61 62]. Two logistic regressions,
of chance and of a plane, that together tell right from wrong among first fixes and tracked ones in
maps that hide points: a pose is right where neither made it. Right and wrong ones count alike, no
weight is negative. Writes bpnp_ros/localizer/evidence/weights.py, and prints how weights that were
fitted without a kind of world do in that kind. Cases in which right and wrong cannot be told apart
by one frame, a map that has moved and a lens that is not as told, are left out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from bpnp_ros.localizer.evidence import weights
from bpnp_ros.localizer.evidence.evidence import Evidence
from experiments.trust.collect import RESULTS
from experiments.trust.record import Record, load

LEFT_OUT = ("moved", "focal length")
RIDGE = 0.02
RATE = 1e-3  # that the printed table is for
NAMES = ("CHANCE_AT_NOTHING", "CHANCE_OF_LEAD", "PLANE_AT_NOTHING", "PLANE_OF_BESIDE")


START = (3.5, 0.3, 6.0, 100.0)


def log_right(weights: Tensor, lead: Tensor, beside: Tensor) -> Tensor:
    """Log of the probability (N,) that neither chance nor a plane made a pose."""
    chance, plane = weights[1] * lead - weights[0], weights[3] * beside - weights[2]
    return logsigmoid(chance) + logsigmoid(plane)


def fitted(records: list[Record]) -> Tensor:
    """(4,) in the order of NAMES, all at least 0."""
    lead, beside, wrong = _columns(records)
    counts = torch.where(wrong > 0, 0.5 / wrong.mean(), 0.5 / (1 - wrong).mean())
    unit = torch.tensor(START, dtype=torch.float64)
    root = torch.ones(4, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([root], max_iter=500, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        right = log_right(unit * root.square(), lead, beside).clamp_max(-1e-12)
        value = -(counts * torch.where(wrong > 0, torch.log(-torch.expm1(right)), right)).sum()
        value = value + RIDGE * root.square().square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    return unit * root.detach().square()


def passing(records: list[Record], weights: Tensor) -> Tensor:
    """Which (N,) are wrong with no more than RATE."""
    lead, beside, _ = _columns(records)
    return -torch.expm1(log_right(weights, lead, beside)) <= RATE


def _columns(records: list[Record]) -> Tensor:
    """Leads, shares seen beside the plane, and whether it is wrong, (3, N)."""
    evidence = [Evidence(**record.evidence or {}) for record in records]
    rows = [[e.lead, e.beside, r.is_wrong] for e, r in zip(evidence, records, strict=True)]
    return torch.tensor(rows, dtype=torch.float64).T


def held_out(records: list[Record]) -> list[str]:
    """A line for each kind: of its wrong and right fixes, those that pass with weights that were
    fitted without it."""
    lines = list[str]()
    for kind in sorted({record.kind for record in records}):
        others = [record for record in records if record.kind != kind]
        own = [record for record in records if record.kind == kind]
        if len({record.is_wrong for record in others}) == 2:
            passes = passing(own, fitted(others))
            wrong = torch.tensor([record.is_wrong for record in own])
            lines.append(
                f"{kind}: {int((passes & wrong).sum())} of {int(wrong.sum())} wrong, "
                f"{int((passes & ~wrong).sum())} of {int((~wrong).sum())} right"
            )
    return lines


def used(records: list[Record]) -> list[Record]:
    """Those that the weights are fitted on."""
    return [
        record
        for record in records
        if record.is_fix
        and not (record.evidence or {})["is_open"]
        and not any(words in record.case for words in LEFT_OUT)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m experiments.trust.fit", description=__doc__)
    parser.add_argument("--results", type=Path, nargs="+", default=[RESULTS])
    parser.add_argument("--seeds", type=int, nargs="+", help="those to fit on; all by default")
    options = parser.parse_args()
    records = [record for path in options.results for record in load(path)]
    chosen = [r for r in used(records) if not options.seeds or r.seed in options.seeds]
    values = fitted(chosen)
    lines = [f"{name} = {value:.3g}" for name, value in zip(NAMES, values.tolist(), strict=True)]
    path = Path(weights.__file__)
    path.write_text(f'"""{(weights.__doc__ or "").strip()}"""\n\n' + "\n".join(lines) + "\n")
    print("\n".join(lines + held_out(chosen)))
    wrong = np.mean([record.is_wrong for record in chosen])
    print(f"{len(chosen)} fixes, of which {wrong:.0%} are wrong")


if __name__ == "__main__":
    main()
