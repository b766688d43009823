"""How many inputs of each kind were answered, refused, or failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from fuzz.inputs import ANSWERED, KINDS, REFUSED, Outcome, kind_of


def failed(outcome: Outcome) -> bool:
    return outcome.result not in (ANSWERED, REFUSED)


def table(outcomes: Sequence[Outcome]) -> str:
    """A line for each kind that was tried, and one for all."""
    counts = Counter((kind_of(o.number), "failed" if failed(o) else o.result) for o in outcomes)
    columns = (ANSWERED, REFUSED, "failed")
    lines = [" " * 20 + "".join(f"{column:>10}" for column in columns)]
    for kind in KINDS:
        numbers = [counts[kind, column] for column in columns]
        if any(numbers):
            lines.append(f"{kind:20}" + "".join(f"{number:10}" for number in numbers))
    totals = [sum(counts[kind, column] for kind in KINDS) for column in columns]
    return "\n".join([*lines, f"{'all':20}" + "".join(f"{number:10}" for number in totals)])
