"""Lights are found whatever their size, their brightness and the light around them."""

from __future__ import annotations

import numpy as np
import pytest
from shared_data import SHARED, needs_shared_data

from bpnp_ros.configuration.parameters import DetectorConfig
from bpnp_ros.keypoints.detector import Detections, detect_keypoints
from bpnp_ros.keypoints.image import Image, decode_compressed, decode_image

LIGHTS = DetectorConfig("lights")
HEIGHT, WIDTH = 480, 640


def rendered(
    diameter: float, peak: float, noise: float, gradient: float, seed: int
) -> tuple[Image, np.ndarray]:
    """Twelve discs with soft edges on a slope of grey: the image and their centres."""
    rng = np.random.default_rng(seed)
    row, column = np.indices((HEIGHT, WIDTH))
    image = 20 + gradient * column / WIDTH + rng.normal(0, noise, (HEIGHT, WIDTH))
    grid = np.stack(np.meshgrid(np.arange(4) * 150 + 90, np.arange(3) * 140 + 90), -1)
    centres = grid.reshape(-1, 2) + rng.uniform(-20, 20, (12, 2))
    for u, v in centres:
        distance = np.hypot(column - u, row - v)
        image += peak / (1 + np.exp(np.minimum((distance - diameter / 2) / 0.5, 50)))
    return Image(image.round().clip(0, 255).astype(np.uint8)), centres


def errors(found: Detections, centres: np.ndarray) -> np.ndarray:
    return np.linalg.norm(found.pixels[None] - centres[:, None], axis=2).min(axis=1)


@pytest.mark.parametrize("diameter", [2.0, 5.0, 15.0, 40.0])
@pytest.mark.parametrize(("peak", "noise"), [(60, 1), (120, 5), (400, 2), (230, 10)])
@pytest.mark.parametrize("gradient", [0, 80])
def test_all_lights_and_nothing_else_to_a_third_of_a_pixel(
    diameter: float, peak: float, noise: float, gradient: float
) -> None:
    image, centres = rendered(diameter, peak, noise, gradient, seed=int(diameter))
    found = detect_keypoints(image, LIGHTS)
    assert len(found) == len(centres)
    assert errors(found, centres).max() < 0.33


@pytest.mark.parametrize("noise", [0.3, 0.7, 2.0, 5.0])
def test_stars_are_found_down_to_the_noise_however_few_grey_values_they_have(noise: float) -> None:
    rng = np.random.default_rng(5)
    row, column = np.indices((HEIGHT, WIDTH))
    image = 12 + rng.normal(0, noise, (HEIGHT, WIDTH))
    stars = np.stack(np.meshgrid(np.arange(8) * 75 + 50, np.arange(6) * 75 + 50), -1).reshape(-1, 2)
    for u, v in stars + rng.uniform(-9, 9, stars.shape):
        image += 9 * max(noise, 1.0) * np.exp(-((column - u) ** 2 + (row - v) ** 2) / (2 * 1.3**2))
    found = detect_keypoints(Image(image.round().clip(0, 255).astype(np.uint8)), LIGHTS)
    assert len(stars) - 5 <= len(found) <= len(stars) + 2


@needs_shared_data
def test_the_brightest_stars_of_photographs_are_found() -> None:
    folder = SHARED / "landmarks"
    stars = np.load(folder / "stars.npz")
    at, recalls = stars["kp_offsets"], []
    for image, solved in enumerate(stars["solved"]):
        brightest = stars["kp_xy"][at[image] : at[image + 1]][:30]  # sorted by brightness
        photograph = decode_compressed((folder / stars["image_names"][image]).read_bytes())
        found = detect_keypoints(photograph, LIGHTS)
        if solved:
            recalls.append((errors(found, brightest) < 1.5).mean())
    assert min(recalls) >= 0.75 and np.mean(recalls) >= 0.9


@pytest.mark.parametrize("shape", [(8, 8), (9, 700), (100, 33)])
def test_a_small_image_of_noise_holds_no_lights(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)
    assert len(detect_keypoints(Image(noise), LIGHTS)) == 0


def test_the_size_is_the_diameter() -> None:
    image, _ = rendered(15, 100, 1, 0, seed=0)
    np.testing.assert_allclose(detect_keypoints(image, LIGHTS).cues["size"], 15, rtol=0.1)


def test_hot_pixels_are_no_lights() -> None:
    image = np.full((HEIGHT, WIDTH), 20, np.uint8)
    image[50::100, 50::100] = 255
    assert len(detect_keypoints(Image(image), LIGHTS)) == 0


def test_a_long_lamp_is_one_light_and_its_angle_is_that_of_its_long_axis() -> None:
    row, column = np.indices((HEIGHT, WIDTH))
    along, across = (
        (column - 300) * 0.8 + (row - 200) * 0.6,
        (row - 200) * 0.8 - (column - 300) * 0.6,
    )
    lamp = (np.abs(along) < 30) & (np.abs(across) < 5)
    found = detect_keypoints(Image(np.where(lamp, 255, 20).astype(np.uint8)), LIGHTS)
    np.testing.assert_allclose(found.pixels, [[300, 200]], atol=0.1)
    assert found.cues["angle"][0] == pytest.approx(np.arctan2(0.6, 0.8), abs=0.02)


def test_a_threshold_can_be_given() -> None:
    image, centres = rendered(10, 100, 1, 0, seed=0)
    assert len(detect_keypoints(image, DetectorConfig("lights", 1024, 200.0))) == 0
    assert len(detect_keypoints(image, DetectorConfig("lights", 1024, 70.0))) == len(centres)


def deep_lights(peak: float, noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Twelve faint lights and one that is far brighter, on 16 bits: values and centres."""
    rng = np.random.default_rng(seed)
    row, column = np.indices((HEIGHT, WIDTH))
    image = 2000 + rng.normal(0, noise, (HEIGHT, WIDTH))
    grid = np.stack(np.meshgrid(np.arange(4) * 150 + 90, np.arange(3) * 140 + 90), -1)
    centres = grid.reshape(-1, 2) + rng.uniform(-20, 20, (12, 2))
    for u, v in centres:
        image += peak / (1 + np.exp(np.minimum((np.hypot(column - u, row - v) - 3) / 0.5, 50)))
    image += 60_000 / (1 + np.exp(np.minimum((np.hypot(column - 20, row - 240) - 14) / 0.5, 50)))
    return image.round().clip(0, 65_535), np.vstack([centres, [20, 240]])


@pytest.mark.parametrize("encoding", ["mono16", "16UC1", "32FC1", "unit"])
def test_faint_lights_of_a_deep_image_are_not_lost_beside_a_bright_one(encoding: str) -> None:
    values, centres = deep_lights(peak=300, noise=12)
    if encoding == "unit":
        values, encoding = values / 65_535, "32FC1"
    pixels = values.astype("<f4" if encoding == "32FC1" else "<u2")
    step = pixels.strides[0]
    image = decode_image(pixels.tobytes(), WIDTH, HEIGHT, step, encoding)
    found = detect_keypoints(image, LIGHTS)
    assert len(found) == len(centres) and errors(found, centres).max() < 0.3


def test_a_deep_photograph_is_as_good_as_a_deep_image() -> None:
    cv2 = pytest.importorskip("cv2")
    values, centres = deep_lights(peak=300, noise=12)
    data = cv2.imencode(".png", values.astype(np.uint16))[1].tobytes()
    assert len(detect_keypoints(decode_compressed(data), LIGHTS)) == len(centres)


def test_a_light_that_the_edge_cuts_has_no_centre_and_is_left_out() -> None:
    image, centres = rendered(20, 120, 2, 0, seed=1)
    cut = Image(image.grey[:, int(centres[:, 0].min()) :])
    found = detect_keypoints(cut, LIGHTS)
    inside = centres - [int(centres[:, 0].min()), 0]
    assert errors(found, inside[inside[:, 0] > 12]).max() < 0.33
    assert found.pixels[:, 0].min() > 12


def test_what_compression_leaves_around_a_light_is_no_light() -> None:
    cv2 = pytest.importorskip("cv2")
    image, centres = rendered(30, 400, 2, 0, seed=2)
    data = cv2.imencode(".jpg", image.grey, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
    found = detect_keypoints(decode_compressed(data), LIGHTS)
    assert len(found) == len(centres) and errors(found, centres).max() < 0.5


@pytest.mark.parametrize("exposure", [3.0, 30.0])
@pytest.mark.parametrize("encoding", ["mono8", "mono16", "32FC1"])
def test_saturated_lamps_whose_glare_runs_together_are_lamps_of_their_own(
    exposure: float, encoding: str
) -> None:
    row, column = np.indices((HEIGHT, WIDTH))
    centres = np.array([[150.0, 120], [185, 128], [460, 300], [490, 330], [490, 275], [330, 400]])
    light = np.full((HEIGHT, WIDTH), 0.1) + np.random.default_rng(0).normal(0, 0.005, row.shape)
    for u, v in centres:
        outside = np.hypot(column - u, row - v) - 8
        light += exposure / (1 + np.exp(np.minimum(outside / 0.7, 50)))
        light += 0.003 * exposure * np.exp(-np.maximum(outside, 0) / 12)
    most, dtype = {"mono8": (255, "u1"), "mono16": (65_535, "<u2"), "32FC1": (1.0, "<f4")}[encoding]
    pixels = (most * light.clip(0, 1)).astype(dtype)
    image = decode_image(pixels.tobytes(), WIDTH, HEIGHT, pixels.strides[0], encoding)
    found = detect_keypoints(image, LIGHTS)
    assert len(found) == len(centres) and errors(found, centres).max() < 0.4
