"""What made the weights of a run, to be written beside them."""

from __future__ import annotations

import shlex
import sys
from dataclasses import asdict
from typing import Any

from training.common.progressing_module import ProgressingModule
from training.common.run_folder import revision
from training.common.settings import Settings


def model_card(module: ProgressingModule, settings: Settings) -> dict[str, Any]:
    """JSON: command, settings and revision of the code, and what was trained on."""
    return {
        "command": shlex.join(["python", *sys.orig_argv[1:]]),
        "settings": asdict(settings),
        "revision": revision(),
        module.unit: module.samples,
        "minutes": round(module.seconds / 60, 1),
        "device": str(module.device),
    }
