"""Everything that a localiser knows of one map, in one file: a bundle.

Thinned points with their detectability, where a camera can be and what it sees there, and the
network trained for them. The header is the model card: data, command, budget, figures.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bpnp_ros.errors import WeightsError
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.map_model.view_space import ViewSpace
from bpnp_ros.network.bpnpnet_map import BPnPNetMap, NetworkSize
from bpnp_ros.network.places import Places
from bpnp_ros.point_map.point_map import PointMap
from bpnp_ros.point_map.recognise import is_same_map
from bpnp_ros.weights.safetensors_file import WeightsHeader, load_weights, save_weights

ARCHITECTURE = "bpnpnet_map"
_CHANCES = 255
_NETWORK = "network."
_PANORAMA = "panorama."
_CUE, _KNOWN = "cue.", ".known"  # a file of weights holds no NaN
_NOISE = "cue_noise."
_RANGES = {"tolerance": (1e-9, 1e9), "scale": (1e-9, 1e9), "tilt": (0.0, math.pi)}


@dataclass(frozen=True, eq=False)
class MapBundle:
    """What `training.own_map` makes of a map.

    card: how it was made and how well it does; JSON.
    tolerance: metres within which a point of a cloud is a point of this map.
    frame: the map's frame, "" where unknown. scale: metres per unit of the original map. metric:
    whether that is known; a scale that nobody gave is 1.
    """

    model: MapModel
    network: BPnPNetMap | None
    card: dict[str, Any]
    tolerance: float = 0.05
    frame: str = ""
    scale: float = 1.0
    metric: bool = True

    def recognises(self, points: PointMap | NDArray[np.floating]) -> bool:
        """Whether a map, or a cloud (N, 3) in its own frame, is or contains this bundle's map."""
        points = points.in_map_frame if isinstance(points, PointMap) else points
        return is_same_map(points, self.model.point_map, self.tolerance)

    def save(self, path: Path) -> None:
        """Write one safetensors file; weights are rounded to float16, panoramas to float8."""
        tensors = _map_tensors(self.model)
        if self.network is not None:
            weights = dict(self.network.named_parameters())
            tensors |= {_NETWORK + name: _rounded(name, weight) for name, weight in weights.items()}
            tensors["places"] = self.network.places.position.clone()
            tensors["place_reach"] = self.network.places.reach.clone()
        about_map = {
            "tolerance": self.tolerance,
            "frame": self.frame,
            "scale": self.scale,
            "metric": self.metric,
            "tilt": self.model.places.tilt,
            "network": None if self.network is None else asdict(self.network.size),
        }
        save_weights(path, tensors, WeightsHeader(ARCHITECTURE, about_map, self.card))

    @classmethod
    def load(cls, path: Path, device: torch.device | None = None) -> MapBundle:
        """Read a bundle. Raises WeightsError, with advice, for a damaged or foreign file."""
        tensors, header = load_weights(path, ARCHITECTURE)
        try:
            about = _about(header.map)
            model = _map_model(tensors, header.map)
            network = _network(model, tensors, header.map["network"])
            about["metric"] = bool(header.map.get("metric", True))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, RuntimeError) as error:
            raise WeightsError(
                f"{path} is no complete bundle ({error}); train it again with training.own_map."
            ) from error
        device = device or torch.device("cpu")
        network = None if network is None else network.to(device)
        return cls(model.to(device), network, header.training, **about)


def _about(values: dict[str, Any]) -> dict[str, Any]:
    """Tolerance, frame and scale. Raises ValueError for what they, or the tilt, cannot be."""
    for name, (least, most) in _RANGES.items():
        if type(values[name]) not in (int, float) or not least <= values[name] <= most:
            raise ValueError(f"its {name} is {values[name]!r}")
    if not isinstance(values["frame"], str):
        raise ValueError(f"its frame is {values['frame']!r}")
    return {name: values[name] for name in ("tolerance", "frame", "scale")}


def _map_tensors(model: MapModel) -> dict[str, Tensor]:
    point_map, space = model.point_map, model.places
    index_type = torch.int16 if len(point_map) < 2**15 else torch.int32
    tensors = {
        "points": torch.from_numpy(point_map.points),
        "origin": torch.from_numpy(point_map.origin),
        "detectability": torch.from_numpy(point_map.detectability),
        "anchors": space.anchors,
        "seen": space.seen.to(index_type),
        "chance": _as_bytes(space.chance),
        "reach": space.reach,
    }
    if space.orientations is not None:
        tensors["orientations"] = space.orientations
    return tensors | _cue_tensors(point_map)


def _cue_tensors(point_map: PointMap) -> dict[str, Tensor]:
    """Each cue, and of numbers which are known."""
    tensors = {}
    for name, values in point_map.cues.items():
        tensors[_CUE + name] = torch.from_numpy(np.nan_to_num(values))
        if values.dtype.kind == "f":
            tensors[_CUE + name + _KNOWN] = torch.from_numpy(np.isfinite(values))
    noise = {_NOISE + name: torch.from_numpy(n) for name, n in point_map.cue_noise.items()}
    return tensors | noise


def _cues(tensors: dict[str, Tensor], count: int) -> dict[str, NDArray[Any]]:
    """Raises ValueError for cues that are not of the points."""
    cues = {}
    for key in tensors:
        if key.startswith(_CUE) and not key.endswith(_KNOWN):
            values, known = tensors[key].numpy(), tensors.get(key + _KNOWN)
            if known is not None:
                values = np.where(known.numpy(), values, np.float32(np.nan))
            if values.shape not in ((count,), (count, 3)):
                raise ValueError(f"{key} is of shape {values.shape} for {count} points")
            cues[key.removeprefix(_CUE)] = values
    return cues


def _noise(tensors: dict[str, Tensor]) -> dict[str, NDArray[np.float64]]:
    """Raises ValueError for what no noise can be."""
    noise = {
        key.removeprefix(_NOISE): values.double().numpy()
        for key, values in tensors.items()
        if key.startswith(_NOISE)
    }
    for name, values in noise.items():
        is_one = values.shape == ((3,) if name == "rgb" else (1,))
        if not is_one or not ((values >= 0) & np.isfinite(values)).all():
            raise ValueError(f"the noise of {name} is {values.tolist()}")
    return noise


def _rounded(name: str, weight: Tensor) -> Tensor:
    """Panoramas are most of a bundle, and sums of many of their numbers: three bits are enough."""
    largest = torch.finfo(torch.float8_e4m3fn).max
    if name.startswith(_PANORAMA):
        return weight.clamp(-largest, largest).to(torch.float8_e4m3fn)
    return weight.half()


def _as_bytes(chance: Tensor) -> Tensor:
    """Chances in 1/255; a small one stays above the 0 of padding."""
    least = (chance > 0).float()
    return (chance * _CHANCES).round().maximum(least).to(torch.uint8)


def _map_model(tensors: dict[str, Tensor], about: dict[str, Any]) -> MapModel:
    points, origin, detectability = (
        tensors[name].numpy() for name in ("points", "origin", "detectability")
    )
    space = ViewSpace(
        tensors["anchors"],
        tensors["seen"].long(),
        tensors["chance"].float() / _CHANCES,
        tensors["reach"],
        about["tilt"],
        tensors.get("orientations"),
    )
    _check_sizes(points, origin, detectability, space)
    cues, noise = _cues(tensors, len(points)), _noise(tensors)
    return MapModel(PointMap(points, origin, detectability, cues, cue_noise=noise), space)


def _check_sizes(
    points: NDArray[Any], origin: NDArray[Any], detectability: NDArray[Any], space: ViewSpace
) -> None:
    """Raise ValueError unless points and places belong together."""
    many, places = len(points), len(space.anchors)
    shapes = {
        "points": (points.shape, (many, 3)),
        "origin": (origin.shape, (3,)),
        "detectability": (detectability.shape, (many,)),
        "anchors": (space.anchors.shape, (places, 3)),
        "seen": (space.seen.shape[:1], (places,)),
        "chance": (space.chance.shape, space.seen.shape),
        "reach": (space.reach.shape, (3,)),
    }
    if space.orientations is not None:
        shapes["orientations"] = (space.orientations.shape, (places, 3, 3))
    for name, (found, expected) in shapes.items():
        if tuple(found) != tuple(expected):
            raise ValueError(f"{name} is of shape {tuple(found)}, not {tuple(expected)}")
    if not many or not space.size:
        raise ValueError("it holds no points or no places")
    if space.seen.min() < 0 or space.seen.max() >= many:
        raise ValueError(f"places see points beyond the {many} there are")


def _network(
    model: MapModel, tensors: dict[str, Tensor], size: dict[str, Any] | None
) -> BPnPNetMap | None:
    if size is None:
        return None
    space = replace(model.places, anchors=tensors["places"], reach=tensors["place_reach"])
    network = BPnPNetMap(model.points, Places(space), NetworkSize(**size))
    for name, weight in network.named_parameters():
        weight.data.copy_(tensors[_NETWORK + name])
    return network.eval()
