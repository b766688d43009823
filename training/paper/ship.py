"""Make weights of BPnPNet ready to be shipped: half precision, and figures in their model card.

python -m training.main -e --resume WEIGHTS --dataset simulated --outlier-rate 0 --log-dir T .
python -m training.paper.ship WEIGHTS OUT --figures T/test_rate_0.json
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from bpnp_ros.command import exit_status, loading

with loading():
    import torch
    from torch import Tensor

    from bpnp_ros.errors import DataSetError, WeightsError
    from bpnp_ros.weights.bpnpnet_file import load_bpnpnet_weights
    from bpnp_ros.weights.safetensors_file import WeightsHeader, save_weights
    from training.paper.measuring import ESTIMATES


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    return exit_status(
        lambda: ship(options.weights, options.out, options.figures),
        interrupted="stopped; nothing was written.",
    )


def ship(weights: Path, out: Path, tests: list[Path]) -> None:
    """Write `out`. Raises WeightsError, or DataSetError for a file that is no test's JSON."""
    tensors, header = load_bpnpnet_weights(weights)
    card = {**header.training, "figures": [_figures(path) for path in tests]}
    halves = {name: _half(name, tensor) for name, tensor in tensors.items()}
    save_weights(out, halves, WeightsHeader(header.architecture, training=card))
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB")


def _half(name: str, tensor: Tensor) -> Tensor:
    half = tensor.half() if tensor.is_floating_point() else tensor
    if not torch.isfinite(half).all():
        raise WeightsError(f"{name} does not fit into half precision.")
    return half


def _figures(path: Path) -> dict[str, Any]:
    """What a test found, in short."""
    try:
        test = json.loads(path.read_text())
        settings = test["about"]["settings"]
        asked = {name: settings[name] for name in ("dataset", "outlier_rate", "frac_outliers")}
        tested = test["about"]["weights"]
        asked["weights"] = "random" if tested is None else Path(tested).name
        found = {name: test[name]["recall"] for name in ESTIMATES}
        return {**asked, "samples": test["samples"], "recall": found}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataSetError(
            f"{path} is not the JSON of a test ({error}); make it with training.main -e."
        ) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.paper.ship",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("weights", type=Path, help=".safetensors of a run")
    parser.add_argument("out", type=Path, help="file to write")
    parser.add_argument(
        "--figures", type=Path, nargs="*", default=[], metavar="JSON", help="of training.main -e"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
