"""Images in: raw bytes of every encoding, broken ones too; keypoints out."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from bpnp_ros.configuration.parameters import DetectorConfig
from bpnp_ros.errors import ConfigError, KeypointError
from bpnp_ros.keypoints.detector import detect_keypoints
from bpnp_ros.keypoints.image import LAYOUTS, decode_compressed, decode_image
from bpnp_ros.keypoints.image import Image as Picture

GREEN_AS_GREY = 150  # OpenCV: 0.587 of 255
WIDTH, HEIGHT = 60, 40

# One pixel (for Bayer patterns: rows and columns of 2 x 2) of pure green in each encoding.
GREEN_PIXELS = {
    "bgr8": [0, 255, 0],
    "8UC3": [0, 255, 0],
    "rgb8": [0, 255, 0],
    "bgra8": [0, 255, 0, 255],
    "rgba8": [0, 255, 0, 255],
    "yuv422": [44, GREEN_AS_GREY],
    "uyvy": [44, GREEN_AS_GREY],
    "yuv422_yuy2": [GREEN_AS_GREY, 44],
    "yuyv": [GREEN_AS_GREY, 44],
    "mono8": [GREEN_AS_GREY],
    "8UC1": [GREEN_AS_GREY],
}
RED_AS_GREY, BLUE_AS_GREY = 76, 29


def decode(image: np.ndarray, encoding: str, is_bigendian: bool = False) -> np.ndarray:
    height, width = image.shape[:2]
    step = image[0].nbytes
    return decode_image(image.tobytes(), width, height, step, encoding, is_bigendian).grey


def checkerboard() -> np.ndarray:
    row, column = np.indices((240, 320)) // 40
    return (60 + 140 * ((row + column) % 2)).astype(np.uint8)


@pytest.mark.parametrize("encoding", GREEN_PIXELS)
def test_every_encoding_shows_the_same_grey(encoding: str) -> None:
    image = np.tile(np.array(GREEN_PIXELS[encoding], np.uint8), (HEIGHT, WIDTH, 1))
    grey = decode(image, encoding)
    assert grey.shape == (HEIGHT, WIDTH)
    assert np.abs(grey.astype(int) - GREEN_AS_GREY).max() <= 1


@pytest.mark.parametrize(("encoding", "red_is_first"), [("rgb8", True), ("bgr8", False)])
def test_red_and_blue_are_not_mixed_up(encoding: str, red_is_first: bool) -> None:
    image = np.tile(np.array([255, 0, 0], np.uint8), (HEIGHT, WIDTH, 1))
    expected = RED_AS_GREY if red_is_first else BLUE_AS_GREY
    assert abs(int(decode(image, encoding)[9, 9]) - expected) <= 1


@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
@pytest.mark.parametrize(
    ("colour", "expected"), [("r", RED_AS_GREY), ("g", GREEN_AS_GREY), ("b", BLUE_AS_GREY)]
)
def test_bayer_patterns_are_named_as_in_ros(pattern: str, colour: str, expected: int) -> None:
    cell = np.array([255 if letter == colour else 0 for letter in pattern], np.uint8).reshape(2, 2)
    grey = decode(np.tile(cell, (HEIGHT // 2, WIDTH // 2)), f"bayer_{pattern}8")
    assert np.abs(grey[4:-4, 4:-4].astype(int) - expected).max() <= 1


@pytest.mark.parametrize("byte_order", ["<", ">"])
def test_twelve_bits_in_sixteen_use_the_whole_range(byte_order: str) -> None:
    image = np.linspace(100, 4095, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH)
    grey = decode(image.astype(f"{byte_order}u2"), "mono16", is_bigendian=byte_order == ">")
    assert (grey[0, 0], grey[-1, -1]) == (0, 255)
    assert (np.diff(grey.astype(int).ravel()) >= 0).all()


def test_padding_at_the_end_of_a_row_is_skipped() -> None:
    image = checkerboard()
    padded = np.pad(image, ((0, 0), (0, 24)), constant_values=255)
    grey = decode_image(padded.tobytes(), 320, 240, 344, "mono8").grey
    np.testing.assert_array_equal(grey, image)


@pytest.mark.parametrize(
    ("size", "step", "encoding", "complaint"),
    [
        (0, 60, "mono8", "cut off: 0 bytes instead of 2400"),
        (2399, 60, "mono8", "cut off: 2399 bytes instead of 2400"),
        (2400, 59, "mono8", "rows of 59 bytes"),
        (2400, 60, "rgb8", "rows of 60 bytes"),
        (2400, 60, "64FC1", "'64FC1' is not known"),
        (2400, 60, "", "'' is not known"),
    ],
)
def test_a_broken_image_is_named(size: int, step: int, encoding: str, complaint: str) -> None:
    with pytest.raises(KeypointError, match=complaint):
        decode_image(bytes(size), WIDTH, HEIGHT, step, encoding)


@pytest.mark.parametrize("encoding", LAYOUTS)
def test_an_image_without_pixels_is_refused(encoding: str) -> None:
    with pytest.raises(KeypointError, match="0 x 0 pixels"):
        decode_image(b"", 0, 0, 0, encoding)


def compressed(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(checkerboard()).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["jpeg", "png"])
def test_a_compressed_image_is_decoded(kind: str) -> None:
    difference = decode_compressed(compressed(kind)).grey.astype(int) - checkerboard()
    assert np.abs(difference).max() < 20


@pytest.mark.parametrize("kind", ["jpeg", "png"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_compressed_image_that_was_cut_off_is_refused(kind: str, share: float) -> None:
    data = compressed(kind)
    with pytest.raises(KeypointError, match="cut off"):
        decode_compressed(data[: int(share * len(data))])


@pytest.mark.parametrize("data", [b"", b"GIF89a", bytes(100)])
def test_another_format_is_refused(data: bytes) -> None:
    with pytest.raises(KeypointError, match="neither JPEG nor PNG"):
        decode_compressed(data)


@pytest.mark.parametrize(("detector", "pixels"), [("corners", 0.6), ("orb", 3.0)])
def test_the_corners_of_a_square_are_found(detector: str, pixels: float) -> None:
    image = np.full((240, 320), 40, np.uint8)
    image[80:160, 100:220] = 200
    detections = detect_keypoints(Picture(image), DetectorConfig(detector))
    corners = np.array([[99.5, 79.5], [219.5, 79.5], [99.5, 159.5], [219.5, 159.5]])
    distance = np.linalg.norm(corners[:, None] - detections.pixels, axis=2)
    assert (distance.min(axis=1) < pixels).all()


def test_sift_finds_a_blob_to_a_fraction_of_a_pixel() -> None:
    row, column = np.indices((200, 300))
    blob = 200 * np.exp(-((column - 120.3) ** 2 + (row - 80.6) ** 2) / (2 * 5.0**2))
    detections = detect_keypoints(Picture((20 + blob).astype(np.uint8)), DetectorConfig("sift"))
    np.testing.assert_allclose(detections.pixels[0], [120.3, 80.6], atol=0.5)


def test_lights_are_found_at_their_centres_and_a_bright_window_is_not() -> None:
    image = np.full((240, 320), 30, np.uint8)
    image[50:54, 100:104] = 255
    image[150:156, 200:206] = 255
    image[100:200, 20:80] = 255
    detections = detect_keypoints(Picture(image), DetectorConfig("lights"))
    np.testing.assert_allclose(detections.pixels, [[202.5, 152.5], [101.5, 51.5]])


@pytest.mark.parametrize("detector", ["sift", "orb", "corners"])
def test_detections_are_scored_one_per_place_and_limited(detector: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (240, 320)).astype(np.uint8)
    detections = detect_keypoints(Picture(noise), DetectorConfig(detector, max_features=50))
    assert 10 < len(detections) <= 50
    assert len(np.unique(detections.pixels, axis=0)) == len(detections)
    assert detections.score[0] == 1
    assert (np.diff(detections.score) <= 0).all()
    assert detections.score.min() >= 0


@pytest.mark.parametrize("detector", ["sift", "orb", "corners", "lights"])
def test_a_blank_image_has_no_keypoints(detector: str) -> None:
    assert (
        len(detect_keypoints(Picture(np.zeros((50, 50), np.uint8)), DetectorConfig(detector))) == 0
    )


def test_wrong_settings_and_wrong_images_are_refused() -> None:
    with pytest.raises(ConfigError, match="detector is 'surf'"):
        DetectorConfig("surf")
    with pytest.raises(KeypointError, match="grey 8-bit image"):
        detect_keypoints(Picture(np.zeros((10, 10, 3), np.uint8)))
    with pytest.raises(KeypointError, match="grey 8-bit image"):
        detect_keypoints(Picture(np.zeros((0, 10), np.uint8)))


@pytest.mark.parametrize("side", [1, 2, 3, 7, 8, 12])
@pytest.mark.parametrize("detector", ["sift", "orb", "corners", "lights"])
def test_a_tiny_image_has_few_keypoints_and_is_no_error(detector: str, side: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (side, side)).astype(np.uint8)
    assert len(detect_keypoints(Picture(noise), DetectorConfig(detector))) < 20


@pytest.mark.parametrize("encoding", ["nv12", "nv21", "nv24"])
def test_the_grey_of_a_planar_image_is_its_first_rows(encoding: str) -> None:
    grey = np.random.default_rng(0).integers(0, 255, (48, 64), np.uint8)
    chroma = np.full((96 if encoding == "nv24" else 24, 64), 128, np.uint8)
    image = decode_image(np.vstack([grey, chroma]).tobytes(), 64, 48, 64, encoding)
    np.testing.assert_array_equal(image.grey, grey)


@pytest.mark.parametrize("dtype", ["u2", "f4"])
def test_hot_pixels_and_infinities_leave_the_grey_levels_alone(dtype: str) -> None:
    raw = 8000 + 4.0 * np.random.default_rng(0).integers(0, 255, (48, 64))
    raw[0, 0] = 65535 if dtype == "u2" else np.inf
    encoding = "mono16" if dtype == "u2" else "32FC1"
    assert len(np.unique(decode(raw.astype("<" + dtype), encoding))) > 200


def test_a_header_that_claims_too_much_is_refused_before_memory_is_taken() -> None:
    header = b"IHDR" + (60_000).to_bytes(4, "big") * 2 + b"\x08\x06\x00\x00\x00"
    png = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\r" + header + bytes(41) + b"IEND" + bytes(8)
    with pytest.raises(KeypointError, match="60000 x 60000"):
        decode_compressed(png)


def test_an_image_is_read_as_it_is_stored_whatever_exif_says() -> None:
    buffer, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(checkerboard()).save(buffer, "jpeg", exif=exif)
    assert decode_compressed(buffer.getvalue()).size == (320, 240)
