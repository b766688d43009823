"""Play a bag through the localiser and read what came of it. No ROS is needed.

The two commands are installed as bpnp_make_bag and bpnp_replay.
"""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import bpnp_ros

weights = Path(bpnp_ros.__file__).parent / "data" / "demo_bundle.safetensors"


def call(module: str, *words: str) -> None:
    subprocess.run([sys.executable, "-m", f"bpnp_ros.tools.{module}", *words], check=True)


with TemporaryDirectory() as folder:
    bag, results = f"{folder}/bag", f"{folder}/results"
    call("make_bag", "demo", "--duration", "2", "--out", bag)
    few_views = "bank_views=5000"  # any parameter of the node can be set
    call("replay", bag, "--weights", str(weights), "--set", few_views, "--out", results)
    metrics = json.loads(Path(results, "metrics.json").read_text())

print(f"of {metrics['messages']} messages {metrics['fixes']} gave a pose")
