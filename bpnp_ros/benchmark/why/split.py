"""The failure split as a command: by scene, or by the setting of the benchmark's problems."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bpnp_ros.benchmark.catalogue import find_scenes
from bpnp_ros.benchmark.problems import Selection
from bpnp_ros.benchmark.why.failures import Outcome, outcome
from bpnp_ros.benchmark.why.nearness import NEAR_DEPTHS, NEAR_RADIANS, keeps_near
from bpnp_ros.benchmark.why.questions import Question, of_photographs, of_problems
from bpnp_ros.errors import BpnpError

PHOTOGRAPHS, PROBLEMS = "photographs", "problems"
STORED, KEPT = "a stored view is near", "of these, one is kept"
COLUMNS = (*(outcome.value for outcome in Outcome), STORED, KEPT)

Split = dict[str, Counter[str]]


def run_failures(arguments: argparse.Namespace, console: Console) -> None:
    """The split of every group, and of all together, on the console and in a file of JSON."""
    split: Split = {}
    for name, path in find_scenes(arguments.scenes).items():
        try:
            found = list(map(_asked, _questions(name, path, arguments)))
        except BpnpError as error:
            console.print(f"{name}: left out: {error}", markup=False)
            continue
        for group, count in found:
            split[group] = split.get(group, Counter()) + count
        console.print(f"{name}: {dict(sum((c for _, c in found), Counter()))}", markup=False)
    if not split:
        raise BpnpError("none of the scenes can be split into a map and photographs to play.")
    split["all together"] = sum(split.values(), Counter())
    console.print(f"Near: within {NEAR_DEPTHS:.0%} of the depth and {NEAR_RADIANS:g} rad.")
    console.print(as_table(split))
    arguments.out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(split, indent=1) + "\n"
    file = f"failures_of_{arguments.failures}.json"
    (arguments.out / file).write_text(text, encoding="utf-8")


def _questions(name: str, path: Path, arguments: argparse.Namespace) -> Iterator[Question]:
    if arguments.failures == PROBLEMS:
        return of_problems(path, Selection(arguments.queries, seed=arguments.seed))
    folder = arguments.photographs / name if arguments.photographs else None
    return of_photographs(
        name, path, folder if folder and folder.is_dir() else None, arguments.most
    )


def _asked(question: Question) -> tuple[str, Counter[str]]:
    """Its group, and the columns that it counts in."""
    keeps = keeps_near(question)
    columns = [outcome(question).value, *([STORED] if keeps is not None else [])]
    return question.group, Counter([*columns, *([KEPT] if keeps else [])])


def as_table(split: Split) -> Table:
    """Frames by group and what became of them."""
    table = Table("", *COLUMNS)
    for name, counts in split.items():
        table.add_row(name, *(str(counts[column]) for column in COLUMNS))
    return table
