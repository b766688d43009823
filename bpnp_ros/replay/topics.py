"""Which topics of a bag are what: guessed from the types, asked for where that is ambiguous."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bpnp_ros.bags.messages import CAMERA_INFO, COMPRESSED_IMAGE, IMAGE, MAP
from bpnp_ros.bags.reading import Bag
from bpnp_ros.errors import BagError

BEARINGS = ("keypoints", "bearings")  # names of clouds of x, y, z that are no map


@dataclass(frozen=True)
class Topics:
    """Empty: not wanted, or not chosen yet. `keypoints` or `image` is one of them."""

    keypoints: str = ""
    image: str = ""
    camera_info: str = ""
    map: str = ""

    @property
    def source(self) -> str:
        """What every answer is given to."""
        return self.keypoints or self.image

    @property
    def all(self) -> list[str]:
        return [topic for topic in (self.map, self.camera_info, self.source) if topic]


def choose_topics(bag: Bag, wanted: Topics, map_from_bag: bool, map_needed: bool = True) -> Topics:
    """`wanted`, and a guess for the rest; an image topic may stand for its compressed images, as in
    image_transport. Raises BagError that lists what there is to choose.

    map_needed: False where another map is there for a bag without one.
    """
    compressed = f"{wanted.image}/compressed"
    if wanted.image not in bag.topics and compressed in bag.topics:
        wanted = replace(wanted, image=compressed)
    named = [name for name in wanted.all if name not in bag.topics]
    if named:
        raise BagError(f"{named[0]} is not in the bag; its topics are {_listed(bag)}.")
    fields = _cloud_fields(bag)
    keypoints = wanted.keypoints or ("" if wanted.image else _guess_keypoints(fields))
    image = wanted.image or ("" if keypoints else _guess_image(bag))
    source = keypoints or image
    return Topics(
        keypoints,
        image,
        wanted.camera_info or _guess_camera_info(bag, source, fields.get(keypoints, set())),
        (wanted.map or _guess_map(bag, fields, map_needed)) if map_from_bag else "",
    )


def _guess_keypoints(fields: dict[str, set[str]]) -> str:
    found = [name for name, there in fields.items() if {"u", "v"} <= there]
    found = found or [name for name in fields if name.endswith(BEARINGS)]
    return _only(found, "keypoints", "--keypoints") if found else ""


def _guess_image(bag: Bag) -> str:
    found = [topic.name for topic in bag.of_kinds(IMAGE, COMPRESSED_IMAGE)]
    found = [
        name
        for name in found
        if name.removesuffix("/compressed") not in found or not name.endswith("/compressed")
    ]
    if not found:
        raise BagError(f"neither keypoints (u, v) nor images are in the bag: {_listed(bag)}.")
    return _only(found, "images", "--image")


def _guess_camera_info(bag: Bag, source: str, fields: set[str]) -> str:
    """Of the source's frame; if there are several, that beside it."""
    found = [topic.name for topic in bag.of_kinds(CAMERA_INFO)]
    if not found and "u" not in fields and fields:
        return ""  # bearings need none
    if len(found) > 1:
        frame = _frame(bag, source)
        found = [name for name in found if _frame(bag, name) == frame] or found
    if len(found) > 1:
        beside = [name for name in found if source.startswith(name.rpartition("/")[0] + "/")]
        found = beside or found
    if not found:
        raise BagError(f"no CameraInfo is in the bag, so pixels mean nothing: {_listed(bag)}.")
    return _only(found, "CameraInfo", "--camera-info")


def _guess_map(bag: Bag, fields: dict[str, set[str]], needed: bool) -> str:
    clouds = [name for name, there in fields.items() if {"x", "y", "z"} <= there]
    once = [name for name in clouds if bag.topics[name].count == 1 or name.endswith("map")]
    if not once and not needed:
        return ""
    if not once:
        raise BagError(
            "no map is in the bag (a PointCloud2 sent once); give --map FILE, --weights or "
            f"--map-topic. There are {_listed(bag)}."
        )
    return _only(once, "map", "--map-topic")


def _only(found: Sequence[str], what: str, option: str) -> str:
    if len(found) > 1:
        raise BagError(f"{what}: {', '.join(found)} would do; choose one with {option}.")
    return found[0]


def _cloud_fields(bag: Bag) -> dict[str, set[str]]:
    """Names of the fields by topic."""
    first = {topic.name: bag.first(topic.name) for topic in bag.of_kinds(MAP)}
    return {name: {f.name for f in cloud.fields} for name, cloud in first.items() if cloud}


def _frame(bag: Bag, topic: str) -> str:
    message = bag.first(topic)
    return str(message.header.frame_id) if message else ""


def _listed(bag: Bag) -> str:
    return ", ".join(f"{name} ({topic.kind})" for name, topic in sorted(bag.topics.items()))
