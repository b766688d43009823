"""The weights of the probability that a pose is wrong, from the frames that were collected.

python -m experiments.trust.fit [--results trust.jsonl] [--seeds 61 62]. A logistic regression on
fixes in maps that hide points, first ones and tracked ones, right and wrong ones counting alike, no
weight negative. Writes bpnp_ros/localizer/evidence/weights.py, and prints how weights that were
fitted without a kind of world do in that kind. Cases in which right and wrong cannot be told apart
by one frame, a map that has moved and a lens that is not as told, are left out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import softplus

from bpnp_ros.localizer.evidence import weights
from bpnp_ros.localizer.evidence.evidence import Evidence
from experiments.trust.collect import RESULTS
from experiments.trust.record import Record, load

LEFT_OUT = ("moved", "focal length")
RIDGE = 0.02
RATE = 1e-3  # that the printed table is for
NAMES = ("AT_NOTHING", "OF_LEAD", "OF_SEEN")


def features(records: list[Record]) -> Tensor:
    """(N, 3): one, and what speaks for each pose."""
    evidence = [Evidence(**record.evidence or {}) for record in records]
    rows = [[1.0, -e.lead, -e.seen] for e in evidence]
    return torch.tensor(rows, dtype=torch.float64)


def fitted(records: list[Record]) -> Tensor:
    """The three weights, all at least 0."""
    x = features(records)
    wrong = torch.tensor([record.is_wrong for record in records]).double()
    counts = torch.where(wrong > 0, 0.5 / wrong.mean(), 0.5 / (1 - wrong).mean())
    root = torch.full((3,), 0.3, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([root], max_iter=300, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        log_odds = x @ root.square()
        value = (counts * (softplus(log_odds) - wrong * log_odds)).sum()
        value = value + RIDGE * root.square()[1:].square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    return root.detach().square()


def held_out(records: list[Record]) -> list[str]:
    """A line for each kind: of its wrong and right fixes, those that pass with weights that were
    fitted without it."""
    lines = list[str]()
    for kind in sorted({record.kind for record in records}):
        others = [record for record in records if record.kind != kind]
        own = [record for record in records if record.kind == kind]
        if len({record.is_wrong for record in others}) == 2:
            passes = torch.sigmoid(features(own) @ fitted(others)) <= RATE
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
