"""Train the reference code and ours side by side: python -m experiments.side_by_side REFERENCE DIR.

REFERENCE is a checkout of the paper's code (git clone https://github.com/dylan-campbell/bpnpnet),
DIR holds a data set as for training.main. For each seed both start from the reference's random
weights and take the same steps on the same batches, one after the other, with Lc alone and then
with Lc + Lp; after each of the two they are tested. A seed that is done is not done again.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from bpnp_ros.command import run_command
from bpnp_ros.errors import ConfigError
from bpnp_ros.figures.panels import save_figure
from bpnp_ros.whole_file import written_whole
from experiments.reference_code import ReferenceCode
from experiments.side_by_side_report import Results, figure, table
from experiments.two_trainings import Comparison, begin, compare
from training.common.fit import be_quiet
from training.common.run_folder import revision
from training.datasets.words import open_set
from training.paper.report import write_json

FIGURE = "side_by_side.png"


def main() -> None:
    console = Console(highlight=False)
    be_quiet()
    interrupted = "\nstopped; the same command goes on with the seeds that are not done."
    run_command(lambda: report(_parser().parse_args(), console), interrupted)


def report(options: argparse.Namespace, console: Console) -> None:
    torch.set_num_threads(options.threads)
    results = run(options, Comparison.from_options(options, None))
    console.print(table(results))
    save_figure(figure(results), options.out / FIGURE)
    console.print(f"{options.out / FIGURE}, and seed_*.json beside it")


def run(options: argparse.Namespace, plan: Comparison) -> Results:
    """What each seed gave, of the file in the folder where there is one. Raises BpnpError."""
    code = ReferenceCode(options.reference)
    learn, check = (open_set(options.data, plan.dataset, split) for split in ("train", "test"))
    options.out.mkdir(parents=True, exist_ok=True)
    about = {"settings": asdict(plan), "threads": options.threads}
    results = []
    for seed in range(options.seeds):
        path = options.out / f"seed_{seed}.json"
        if not path.exists():
            sides = begin(code, seed, path.with_suffix(".pth.tar"))
            found = compare(sides, learn, check, plan, seed)
            with written_whole(path) as partial:
                write_json(partial, {**about, "revision": revision()}, found)
        results.append(_read(path, about))
    return results


def _read(path: Path, about: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text())
    if not content["about"].items() >= about.items():
        raise ConfigError(f"{path} was made with other settings; name another --out.")
    return content


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.side_by_side",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("reference", type=Path, metavar="REFERENCE")
    parser.add_argument("data", type=Path, metavar="DIR")
    parser.add_argument("--out", type=Path, default=Path("out/side_by_side"), metavar="DIR")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1, help="of torch (1)")
    Comparison.add_options(parser)
    return parser


if __name__ == "__main__":
    main()
