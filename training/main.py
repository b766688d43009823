"""Train and test BPnPNet with the command line of the paper's code: python -m training.main DIR.

With torch's launcher in front (torchrun --nproc_per_node N -m training.main ...) it trains in
several processes, on one machine or on many.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bpnp_ros.command import exit_status, loading

with loading():
    from training.common.fit import be_quiet
    from training.common.run_folder import CONFIG
    from training.paper.config import SPELLING, PaperConfig
    from training.paper.evaluation import evaluate
    from training.paper.training import train


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    be_quiet()
    return exit_status(
        lambda: _run(options),
        interrupted="stopped; a training goes on with --resume and its log folder.",
    )


def _run(options: argparse.Namespace) -> None:
    own_run = _run_of(options.resume)
    file = options.config or (own_run / CONFIG if own_run else None)
    config = PaperConfig.from_options(options, file)
    run = options.log_dir or own_run or Path("runs") / config.dataset
    if options.evaluate:
        evaluate(config, options.data_dir, options.resume, run, options.gpu)
    else:
        train(config, options.data_dir, options.resume, run, options.gpu, options.workers)


def _run_of(resume: Path | None) -> Path | None:
    """The folder of the run that a checkpoint of ours belongs to."""
    if resume is None or resume.is_dir():
        return resume
    return resume.parent if (resume.parent / CONFIG).exists() else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.main", description=__doc__)
    parser.add_argument("data_dir", type=Path, metavar="DIR", help="folder of the data sets")
    parser.add_argument("-e", "--evaluate", action="store_true", help="test instead of training")
    parser.add_argument(
        "--resume",
        type=Path,
        metavar="PATH",
        help="run folder or .ckpt to go on with; .safetensors or the paper's .pth.tar to start "
        "from; with -e, weights to test",
    )
    parser.add_argument(
        "--log-dir", type=Path, help="run folder (default: that of --resume, or runs/<dataset>)"
    )
    parser.add_argument("--config", type=Path, help="YAML file with the settings below")
    parser.add_argument("--gpu", type=int, help="which GPU (default: the first there is)")
    parser.add_argument(
        "-j", "--workers", type=int, default=4, metavar="N", help="processes that load data"
    )
    PaperConfig.add_options(parser, SPELLING)
    return parser


if __name__ == "__main__":
    sys.exit(main())
