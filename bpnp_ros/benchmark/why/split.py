"""The failure split as a command: every scene of a folder, and all together."""

from __future__ import annotations

import argparse
import json
from collections import Counter

from rich.console import Console
from rich.table import Table

from bpnp_ros.benchmark.catalogue import find_scenes
from bpnp_ros.benchmark.why.failures import Outcome, outcomes
from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.errors import BpnpError


def run_failures(arguments: argparse.Namespace, console: Console) -> None:
    """The split of every scene, and of all together, on the console and in failures.json."""
    split: dict[str, Counter[str]] = {}
    for name, path in find_scenes(arguments.scenes).items():
        folder = arguments.photographs / name if arguments.photographs else None
        folder = folder if folder and folder.is_dir() else None
        try:
            found = outcomes(path, folder, LocalizerConfig(), arguments.most)
            split[name] = Counter(outcome.value for outcome in found)
        except BpnpError as error:
            console.print(f"{name}: left out: {error}", markup=False)
            continue
        console.print(f"{name}: {dict(split[name])}", markup=False)
    if not split:
        raise BpnpError("none of the scenes can be split into a map and photographs to play.")
    split["all"] = sum(split.values(), Counter())
    console.print(as_table(split))
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "failures.json").write_text(
        json.dumps(split, indent=1) + "\n", encoding="utf-8"
    )


def as_table(split: dict[str, Counter[str]]) -> Table:
    """Photographs by scene and outcome."""
    table = Table("scene", *(outcome.value for outcome in Outcome))
    for name, counts in split.items():
        table.add_row(name, *(str(counts[outcome.value]) for outcome in Outcome))
    return table
