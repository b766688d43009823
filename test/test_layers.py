"""The house: what each room may know of the others, and how large a room may be."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
SOURCES = sorted((CHECKOUT / "bpnp_ros").rglob("*.py"))

# from the ground floor up; a room knows those in the lines before its own
FLOORS = """
errors whole_file
prepared
configuration
command claimed_folder
geometry
backends
optimal_transport
pnp
keypoints
point_map
map_model
network
simulation
weights
localizer
runtime
evaluation
figures
bags
nodes
live
demo replay
benchmark doctor mapping
tools
"""
FLOOR = {room: at for at, line in enumerate(FLOORS.split("\n")) for room in line.split()}
LARGEST_ROOM, LONGEST_FUNCTION = 1500, 50  # lines


def room_of(path: Path) -> str:
    return path.relative_to(CHECKOUT / "bpnp_ros").parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bpnp_ros."):
            yield node.module.split(".")[1]  # type: ignore[union-attr]


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def test_every_room_has_its_floor() -> None:
    assert {room_of(path) for path in SOURCES} - {"__init__"} == set(FLOOR)


@pytest.mark.parametrize("room", FLOOR)
def test_no_import_leads_upstairs(room: str) -> None:
    upstairs = {
        f"{path.name} imports {other}"
        for path in SOURCES
        if room_of(path) == room
        for other in imported_rooms(path)
        if other != room and FLOOR[other] >= FLOOR[room]
    }
    assert upstairs == set()


def test_no_room_is_a_warehouse() -> None:
    folders = {path.parent for path in SOURCES}
    lines = {
        str(folder): sum(len(path.read_text().splitlines()) for path in folder.glob("*.py"))
        for folder in folders
    }
    assert {folder for folder, count in lines.items() if count > LARGEST_ROOM} == set()


def test_no_function_is_longer_than_a_screen() -> None:
    training = sorted((CHECKOUT / "training").rglob("*.py"))
    long = [
        f"{path.name}: {name}"
        for path in [*SOURCES, *training]
        for name, lines in functions(path)
        if lines > LONGEST_FUNCTION
    ]
    assert long == []
