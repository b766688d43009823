"""Make a bag to replay out of a scene from structure from motion.

SCENE is a folder with a COLMAP model, or an .npz file of the same content; or the word demo, for a
walk through the demo's building, or lamps, for a drive below the lamps of its hall. Some
photographs of a scene are played; the others alone make the map. Scenes have a shape but no size:
without --scale their median depth is called 3 m, and errors in metres mean that.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from bpnp_ros.command import loading, run_command

with loading():
    import torch

    from bpnp_ros.backends.rosbags import Writer
    from bpnp_ros.bags.make import Write, prepare_scene
    from bpnp_ros.demo.bag import write_demo
    from bpnp_ros.demo.stream import make_stream
    from bpnp_ros.demo.worlds import BUILDING, LAMPS

RATE = "photographs a second (0.1: stills, none of which says where the next is)"
DEMOS, DEMO_RATE = {"demo": BUILDING, "lamps": LAMPS}, 10.0  # Hz


def main() -> None:
    torch.set_num_threads(1)
    run_command(lambda: run(parse_arguments()))


def parse_arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bpnp_make_bag", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    add("scene", type=Path, metavar="SCENE")
    add("--out", type=Path, required=True, metavar="BAG", help="folder of the new bag")
    add("--photographs", type=Path, metavar="DIR", help="the photographs, to go into the bag")
    add("--hold-out", type=int, default=5, metavar="N", help="play every N-th (5); 1: map all, too")
    add("--scale", type=float, metavar="M", help="metres per unit of the scene")
    add("--rate", type=float, default=0.1, metavar="HZ", help=RATE)
    add("--duration", type=float, default=20.0, metavar="S", help="of the demo's walk (20)")
    add("--seed", type=int, default=0, metavar="N", help="of the demo's world and walk (0)")
    add("--storage", choices=("mcap", "sqlite3"), default="mcap", help="(mcap)")
    add("--compression", choices=("none", "message", "file"), default="none", help="(none)")
    add(
        "--bundle",
        type=Path,
        metavar="FILE",
        help="write what the mapping photographs say of\n"
        "what is seen from where: weights for bpnp_replay, counted and not trained",
    )
    arguments = parser.parse_args(words)
    if arguments.hold_out < 1 or not 0.01 <= arguments.rate <= 100:
        parser.error("--hold-out must be 1 or more, --rate from 0.01 to 100")
    if not 2 <= arguments.duration <= 600:
        parser.error("--duration must be from 2 to 600 s")
    return arguments


def run(arguments: argparse.Namespace) -> None:
    """Raises BpnpError for a scene that cannot be used; an existing bag is never overwritten."""
    prepare = prepare_demo if str(arguments.scene) in DEMOS else prepare_scene
    write, content = prepare(arguments)
    with Writer(arguments.out, arguments.storage, arguments.compression) as bag:
        write(bag)
    print(f"{arguments.out}: {content}")


def prepare_demo(arguments: argparse.Namespace) -> tuple[Write, str]:
    demo, seed = DEMOS[str(arguments.scene)], arguments.seed
    kidnaps = 0 if demo.sends_images else 1
    stream = make_stream(seed, arguments.duration, DEMO_RATE, kidnaps, None, demo, seed)
    content = f"{len(stream)} messages, {len(stream.map_points)} landmarks"
    return partial(write_demo, stream=stream), content


if __name__ == "__main__":
    main()
