"""OpenCV: lenses, colours, feature detectors. The only file that imports cv2 (4.5 and newer)."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.errors import BpnpError
from bpnp_ros.geometry.camera import Camera

Array = NDArray[np.float64]
GreyImage = NDArray[np.uint8]
Features = dict[str, NDArray[np.float32]]  # columns (M,) by name

MOST_OFF_AXIS = math.radians(85)
ROUND_TRIP_PX = 0.1


def _cv2() -> ModuleType:
    try:
        import cv2
    except ImportError as error:
        raise BpnpError(
            f"OpenCV cannot be loaded ({error}): pip install opencv-python-headless, "
            "or apt install python3-opencv."
        ) from error
    return cv2


def undistort_points(pixels: Array, camera: Camera) -> Array:
    """Pixels (M, 2) of the raw image -> points of the z = 1 plane (M, 2).

    NaN where there is no answer: more than 85 degrees off the axis, beyond the angle at which the
    lens model folds back, or where it does not lead back to within 0.1 px of the pixel.
    """
    if len(pixels) == 0:
        return np.zeros((0, 2))
    source = np.array(pixels, np.float64)[:, None]
    solve = _undistort_fisheye if camera.distortion_model == "equidistant" else _undistort_radial
    with np.errstate(all="ignore"):
        xy: Array = solve(source, camera.K, _coefficients(camera)).reshape(-1, 2)
        most = min(MOST_OFF_AXIS, camera.fold_angle)
        off_axis = np.hypot(xy[:, 0], xy[:, 1]) < math.tan(most)
        back = project_points(np.column_stack([xy, np.ones(len(xy))]), camera)
        round_trip = np.linalg.norm(back - source[:, 0], axis=1) < ROUND_TRIP_PX
    xy[~(off_axis & round_trip)] = np.nan
    return xy


def project_points(points: Array, camera: Camera) -> Array:
    """Points (N, 3) in the camera's optical frame -> pixels of the raw image (N, 2).

    NaN for points that are not in front of the camera. The image size plays no part.
    """
    ahead = np.isfinite(points).all(axis=1) & (points[:, 2] > 0)
    pixels = np.full((len(points), 2), np.nan)
    if not ahead.any():
        return pixels
    rays = (points[ahead] / points[ahead, 2:])[:, None]
    cv2, zero = _cv2(), np.zeros(3)
    fisheye = camera.distortion_model == "equidistant"
    project = cv2.fisheye.projectPoints if fisheye else cv2.projectPoints
    projected, _ = project(rays, zero, zero, camera.K, _coefficients(camera))
    pixels[ahead] = projected[:, 0]
    return pixels


def _coefficients(camera: Camera) -> Array:
    return np.array(camera.D or (0.0,) * 4, np.float64)


def _undistort_fisheye(source: Array, K: Array, D: Array) -> Array:
    undistorted: Array = _cv2().fisheye.undistortPoints(source, K, D)
    return undistorted


def _undistort_radial(source: Array, K: Array, D: Array) -> Array:
    """Enough rounds for strong lenses: OpenCV's own default of five is up to 16 px off there."""
    cv2 = _cv2()
    until = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 200, 1e-6)
    undistorted: Array
    if hasattr(cv2, "undistortPointsIter"):  # OpenCV 4
        undistorted = cv2.undistortPointsIter(source, K, D, None, None, until)
    else:
        undistorted = cv2.undistortPoints(source, K, D, criteria=until)
    return undistorted


def p3p_ransac(
    xy: Array, points: Array, threshold: float, iterations: int
) -> tuple[Array, Array] | None:
    """Pose of a calibrated camera by OpenCV's RANSAC over P3P, as the paper's code calls it.

    xy: (K, 2) on the z = 1 plane; points: (K, 3) in the map; K >= 4, all finite. threshold:
    distance on the plane. Returns R (3, 3) and t (3,), world-to-camera, or None.
    """
    cv2 = _cv2()
    try:
        found, rotation, translation, _ = cv2.solvePnPRansac(
            np.ascontiguousarray(points, np.float64),
            np.ascontiguousarray(xy, np.float64),
            np.eye(3),
            None,
            iterationsCount=iterations,
            reprojectionError=threshold,
            flags=cv2.SOLVEPNP_P3P,
        )
    except cv2.error:
        return None
    return (cv2.Rodrigues(rotation)[0], translation[:, 0]) if found else None


def refine_lm(xy: Array, points: Array, theta: Array) -> Array:
    """A pose (6,) refined on pairs by Levenberg-Marquardt, as the paper's code calls it.

    xy: (K, 2) on the z = 1 plane; points: (K, 3); K >= 3. theta: world-to-camera, angle-axis and
    translation. NaN where OpenCV finds nothing.
    """
    cv2 = _cv2()
    rotation, translation = theta[:3].reshape(3, 1).copy(), theta[3:].reshape(3, 1).copy()
    try:
        rotation, translation = cv2.solvePnPRefineLM(
            np.ascontiguousarray(points, np.float64),
            np.ascontiguousarray(xy, np.float64),
            np.eye(3),
            None,
            rotation,
            translation,
        )
    except cv2.error:
        return np.full(6, np.nan)
    refined: Array = np.concatenate([rotation, translation])[:, 0]
    return refined


def convert(image: NDArray[np.uint8], code: str) -> NDArray[np.uint8]:
    """cv2.cvtColor by the name of the code, such as "COLOR_BGR2GRAY"."""
    cv2 = _cv2()
    converted: NDArray[np.uint8] = cv2.cvtColor(image, getattr(cv2, code))
    return converted


def decode(data: bytes) -> NDArray[np.uint8] | NDArray[np.uint16] | None:
    """A JPEG or PNG file as stored, (H, W) or (H, W, 3 or 4) in BGR(A); None where OpenCV cannot
    read it. EXIF orientation is not obeyed."""
    cv2 = _cv2()
    try:
        decoded: NDArray[np.uint8] | None = cv2.imdecode(
            np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED
        )
    except cv2.error:
        return None
    return decoded


def encode_jpeg(image: NDArray[np.uint8], quality: int = 90) -> bytes:
    """A grey (H, W) or BGR (H, W, 3) image as a JPEG file."""
    cv2 = _cv2()
    data: NDArray[np.uint8] = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return data.tobytes()


def connected_components(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """(H, W): 0 outside the mask, 1, 2, ... in its parts; diagonal neighbours belong together."""
    labels: NDArray[np.int32] = _cv2().connectedComponents(mask.astype(np.uint8))[1]
    return labels


def greatest_around(image: NDArray[np.float32], reach: int) -> NDArray[np.float32]:
    """(H, W): the greatest value within `reach` rows and columns of each pixel."""
    cv2 = _cv2()
    greatest: NDArray[np.float32] = cv2.dilate(image, np.ones((2 * reach + 1, 2 * reach + 1)))
    return greatest


def closed(mask: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """(H, W): the mask with gaps filled that hold no disc of a radius of `reach` cells."""
    cv2 = _cv2()
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    filled: NDArray[np.uint8] = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, disc)
    return filled > 0


def enlarge(image: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """(h, w) -> (height, width), bilinear."""
    cv2 = _cv2()
    enlarged: NDArray[np.float32] = cv2.resize(image, (width, height))
    return enlarged


def box_means(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Means over squares `size` wide, channel by channel."""
    means: NDArray[np.uint8] = _cv2().blur(image, (size, size))
    return means


def detect_sift(image: GreyImage, limit: int, faintest: float = 0.04) -> Features:
    """Columns of at most about `limit` SIFT features; response: contrast, at least `faintest` / 3
    of the brightest grey."""
    sift = _cv2().SIFT_create(nfeatures=limit, contrastThreshold=faintest)
    return _features(sift.detect(image))


def detect_orb(image: GreyImage, limit: int) -> Features:
    """Columns of at most about `limit` ORB features; response: Harris'."""
    return _features(_cv2().ORB_create(nfeatures=limit).detect(image))


def detect_corners(image: GreyImage, limit: int) -> Features:
    """u, v, refined below a pixel, and response (quality) of Shi and Tomasi's corners."""
    cv2 = _cv2()
    corners = cv2.goodFeaturesToTrack(image, limit, qualityLevel=0.01, minDistance=4)
    if corners is None or min(image.shape) < 13:  # as wide as cornerSubPix needs
        return _features(())
    quality = cv2.cornerMinEigenVal(image, blockSize=3)
    column, row = corners.reshape(-1, 2).astype(int).T
    until = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 30, 0.01)
    refined = cv2.cornerSubPix(image, corners.reshape(-1, 1, 2), (4, 4), (-1, -1), until)
    u, v = refined.reshape(-1, 2).T
    return {"u": u, "v": v, "response": quality[row, column]}


def _features(features: tuple | list) -> Features:  # of cv2.KeyPoint
    """angle in radians, NaN where the detector gives none; size: diameter in pixels."""
    rows = [(*f.pt, f.response, f.size, f.angle if f.angle >= 0 else np.nan) for f in features]
    u, v, response, size, angle = np.array(rows, np.float32).reshape(-1, 5).T
    return {"u": u, "v": v, "response": response, "size": size, "angle": np.radians(angle)}


DETECTORS: dict[str, Callable[[GreyImage, int], Features]] = {
    "sift": detect_sift,
    "orb": detect_orb,
    "corners": detect_corners,
}


def nearest(
    points: NDArray[np.float32], queries: NDArray[np.floating]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Row of the point (N, 2) nearest to each query (M, 2), and how far it is; infinite without."""
    if not len(points):
        return np.zeros(len(queries), np.int64), np.full(len(queries), np.inf, np.float32)
    index = _cv2().flann.Index(np.ascontiguousarray(points, np.float32), {"algorithm": 0})  # exact
    rows, squared = index.knnSearch(np.ascontiguousarray(queries, np.float32), 1, params={})
    return rows[:, 0].astype(np.int64), np.sqrt(squared[:, 0])


def angle_axis(R: Array) -> Array:
    """Angle times axis (3,), rad, of one rotation (3, 3); microseconds where tensors take more."""
    w: Array = _cv2().Rodrigues(np.ascontiguousarray(R, np.float64))[0][:, 0]
    return w


def rotation(w: Array) -> Array:
    """Rotation (3, 3) of an angle times axis (3,), rad."""
    R: Array = _cv2().Rodrigues(np.asarray(w, np.float64))[0]
    return R
