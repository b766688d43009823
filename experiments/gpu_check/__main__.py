"""Does everything run on this device, how fast, and what does it learn in the minutes left?

python -m experiments.gpu_check [--minutes 9] [--device cuda] [--out out/gpu_check]
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import torch

from bpnp_ros.command import exit_status
from bpnp_ros.errors import ConfigError
from experiments.gpu_check.checks import failures
from experiments.gpu_check.learning import learn
from experiments.gpu_check.times import table

SHARE, A_STAGE = 0.95, 0.01
"""Of the time: of all of it, which leaves some for the way out, and of timing one stage."""


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status, 1 where a check failed."""
    parser = argparse.ArgumentParser(prog="python -m experiments.gpu_check", description=__doc__)
    parser.add_argument("--minutes", type=float, default=9.0, help="for all of it (9)")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1, cpu (cuda)")
    parser.add_argument("--out", type=Path, default=Path("out/gpu_check"), metavar="DIR")
    parser.add_argument("--points", type=int, default=1000, help="of a set that is timed (1000)")
    options = parser.parse_args(arguments)
    failed: list[str] = []
    status = exit_status(lambda: failed.extend(run(options)), interrupted="stopped.")
    return status or int(bool(failed))


def run(options: argparse.Namespace) -> list[str]:
    """Everything, in order of what matters most; names of the checks that failed."""
    seconds = 60 * options.minutes
    end = time.monotonic() + SHARE * seconds
    device = _device(options.device)
    print(f"torch {torch.__version__}, {_name(device)}", flush=True)
    failed = list(failures(device))
    options.out.mkdir(parents=True, exist_ok=True)
    times = table(device, options.points, A_STAGE * seconds)
    (options.out / "times.md").write_text(times)
    print(f"\n{times}", flush=True)
    learn(device, options.out / "any_map.pt", end)
    print("every check passed" if not failed else f"FAILED: {', '.join(failed)}")
    return failed


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ConfigError(f"'{name}' is no device; cuda, cuda:1 and cpu are.") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError("no GPU that this PyTorch can use; --device cpu runs the same here.")
    return device


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "processor"


if __name__ == "__main__":
    sys.exit(main())
