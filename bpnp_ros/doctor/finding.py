"""What the doctor finds, and what helps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from rich.console import Console

from bpnp_ros.localizer.types import Category


class Level(str, Enum):
    """How bad it is."""

    FINE = "fine"
    NOTE = "note"
    PROBLEM = "problem"


_STYLES = {Level.FINE: "green", Level.NOTE: "yellow", Level.PROBLEM: "bold red"}


@dataclass(frozen=True)
class Finding:
    """about: the part that was looked at. remedy: what to do, empty where nothing has to be."""

    level: Level
    about: str
    what: str
    remedy: str = ""


def fine(about: str, what: str) -> Finding:
    return Finding(Level.FINE, about, what)


def note(about: str, what: str, remedy: str = "") -> Finding:
    return Finding(Level.NOTE, about, what, remedy)


def problem(about: str, what: str, remedy: str) -> Finding:
    return Finding(Level.PROBLEM, about, what, remedy)


REMEDIES = {
    Category.NO_MAP: "publish the map on point_map (reliable, transient local) or set map_file",
    Category.NO_CAMERA_INFO: "let CameraInfo and keypoints have the same frame_id",
    Category.BAD_CAMERA_INFO: "calibrate the camera; CameraInfo needs K, D, width and height",
    Category.BAD_KEYPOINTS: "mend the field or the stamp that the reason names",
    Category.TOO_FEW_KEYPOINTS: "let the detector find more, or another kind of features",
    Category.NO_PROPOSAL: "switch the use_... parameters on, or give weights for this map",
    Category.NOT_VERIFIED: "check in this order: the calibration (a wrong focal length fails like "
    "this), that the detector finds what the map's points are, motion, up and camera_mounting "
    "against the robot, camera_height_min and _max; then look at a frame of a bag: "
    "bpnp_doctor BAG",
    Category.AMBIGUOUS: "places in the map look alike: move on, give an initial pose, or add what "
    "tells them apart (labels, colours, odometry)",
    Category.ILL_CONDITIONED: "use a wider view or points at more depths; what is seen leaves a "
    "direction open",
    Category.NO_TRANSFORM: "publish the transform that the reason names, or choose another tf_mode",
    Category.INTERNAL_ERROR: "this is a flaw of bpnp_ros; please report it with the node's log",
}


def show(findings: list[Finding], console: Console) -> bool:
    """Print them, problems last so that they stay on the screen; whether there are any."""
    for level in Level:
        for finding in findings:
            if finding.level is level:
                console.print(f"{level.value:>7}", style=_STYLES[level], end="  ")
                console.print(f"{finding.about}: {finding.what}", markup=False)
                if finding.remedy:
                    console.print(f"         -> {finding.remedy}", markup=False)
    return any(finding.level is Level.PROBLEM for finding in findings)
