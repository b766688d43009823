"""Every command ends with a line for people, also where Ctrl-C meets it amid its imports."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

COMMANDS = (
    *(f"bpnp_ros.tools.{name}" for name in ("benchmark", "demo", "make_bag", "replay")),
    *("training.main", "training.own_map", "training.own_map.demo_world", "training.paper.ship"),
    *("training.datasets.build_sfm", "training.datasets.build_shapes"),
)


@pytest.mark.parametrize("module", COMMANDS)
def test_ctrl_c_amid_the_imports_leaves_no_traceback(module: str) -> None:
    command = [sys.executable, "-X", "importtime", "-m", module, "--help"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:  # NumPy's first part has just been loaded, most is still to come
        if line.split("|")[-1].strip().startswith("numpy."):
            break
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors[-2000:]
    assert "Traceback" not in errors and errors.endswith("interrupted\n") and output == ""
