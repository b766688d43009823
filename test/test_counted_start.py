"""The own-map network before any training: what it knows by counting what photographs saw."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from orbit import CAMERA, orbit

from bpnp_ros.map_model.from_photographs import model_from_photographs
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.network.bpnpnet_map import BPnPNetMap
from bpnp_ros.network.counted_start import counted_network
from bpnp_ros.network.places import Places
from bpnp_ros.network.point_matching import principal_part

HELD_BACK = 12
SCENE = orbit()


@pytest.fixture(scope="module")
def model() -> MapModel:
    mapping = np.delete(np.arange(SCENE.image_count), HELD_BACK)
    return model_from_photographs(SCENE.with_images(mapping))


def counted(model: MapModel) -> BPnPNetMap:
    space = model.places
    return counted_network(model.points, space, space, CAMERA.frustum()).eval()


def share_matched(network: BPnPNetMap) -> float:
    """Of the keypoints of the photograph held back that show a point, how many find it."""
    xy, point = (torch.from_numpy(array) for array in SCENE.keypoints_of(HELD_BACK))
    with torch.no_grad():
        P = network(xy[None], torch.ones(1, len(xy), dtype=torch.bool))[0]
    found = P[:-1, :-1].argmax(dim=1)
    return float((found == point)[point >= 0].float().mean())


def test_a_photograph_is_placed_between_its_neighbours(model: MapModel) -> None:
    xy = torch.from_numpy(SCENE.keypoints_of(HELD_BACK)[0])[None]
    hypotheses = counted(model).hypotheses(xy, torch.ones(xy.shape[:2], dtype=torch.bool), 1)
    assert int(hypotheses.place) in (HELD_BACK - 1, HELD_BACK)


def test_counting_matches_what_random_weights_do_not(model: MapModel) -> None:
    torch.manual_seed(0)
    untouched = BPnPNetMap(model.points, Places(model.places)).eval()
    assert share_matched(counted(model)) > 3 * share_matched(untouched)


def test_counting_leaves_nothing_to_chance(model: MapModel) -> None:
    weights = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        weights.append(dict(counted(model).named_parameters()))
    for name, weight in weights[0].items():
        assert torch.equal(weight, weights[1][name]), name


def test_a_large_table_of_what_is_seen_is_known_as_well_by_its_principal_part() -> None:
    generator = torch.Generator().manual_seed(0)
    strength = 0.8 ** torch.arange(40)
    matrix = torch.randn(900, 40, generator=generator) * strength
    matrix = matrix @ torch.randn(40, 700, generator=generator)
    U, S, V = principal_part(matrix, 20)
    exact = torch.linalg.svdvals(matrix)
    torch.testing.assert_close(S, exact[:20], rtol=1e-3, atol=0)
    left = (matrix - U * S @ V.T).norm()
    assert float(left) < 1.01 * float(exact[20:].norm())
    torch.testing.assert_close(principal_part(matrix, 20)[0], U)
