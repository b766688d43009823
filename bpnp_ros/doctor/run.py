"""The doctor as a command: with a bag it explains a frame, without one it looks at the graph."""

from __future__ import annotations

import argparse

from rich.console import Console

from bpnp_ros.bags.reading import Bag
from bpnp_ros.doctor.checks import findings
from bpnp_ros.doctor.explanation import explain
from bpnp_ros.doctor.finding import show
from bpnp_ros.doctor.picture import picture
from bpnp_ros.errors import BpnpError
from bpnp_ros.figures.panels import save_figure
from bpnp_ros.localizer.types import Fix
from bpnp_ros.replay.configuration import configuration
from bpnp_ros.replay.player import Player
from bpnp_ros.replay.run import given_parameters
from bpnp_ros.replay.topics import Topics, choose_topics
from bpnp_ros.runtime.engine import Engine

HEALTHY, ILL = 0, 1


def run(arguments: argparse.Namespace, console: Console) -> int:
    """HEALTHY, or ILL where something has to be mended. Raises BpnpError when it cannot look."""
    return explain_frame(arguments, console) if arguments.bag else examine(arguments, console)


def examine(arguments: argparse.Namespace, console: Console) -> int:
    """The ROS graph. Raises BpnpError without ROS."""
    try:
        from bpnp_ros.doctor.link import look
    except ImportError as error:
        raise BpnpError(
            f"there is no ROS 2 here ({error}); source it, or install its wheels "
            "(docs/installation.md). A bag can be explained without: bpnp_doctor BAG"
        ) from error
    topics = {
        "keypoints": arguments.keypoints,
        "camera_info": arguments.camera_info,
        "point_map": arguments.map_topic,
    }
    console.print(f"listening for {arguments.seconds:g} s", style="dim")
    graph = look(arguments.seconds, topics, arguments.node)
    return ILL if show(findings(graph), console) else HEALTHY


def explain_frame(arguments: argparse.Namespace, console: Console) -> int:
    """A frame of a bag, and a picture of it."""
    chosen = configuration(given_parameters(arguments))
    settings = chosen.settings
    with Bag(arguments.bag) as bag:
        wanted = Topics(arguments.keypoints, "", arguments.camera_info, arguments.map_topic)
        topics = choose_topics(
            bag, wanted, map_from_bag=not settings.map_file, map_needed=not settings.weights
        )
        player = Player(bag, topics, chosen, Engine.from_settings(settings, chosen.localizer))
        player.get_ready()
        explanation = explain(player, arguments.message)
    for line in explanation.lines():
        console.print(line, markup=False)
    if explanation.played.keypoints is not None:
        save_figure(picture(player, explanation), arguments.out, dpi=110)
        console.print(str(arguments.out), style="dim", markup=False)
    return HEALTHY if isinstance(explanation.played.answer, Fix) else ILL
