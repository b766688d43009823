"""What becomes of each kind of message in a replay, with a localiser that only remembers."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="needs rosbags: pip install '.[bags]'")
cv2 = pytest.importorskip("cv2")

from rooms import CAMERA

from bpnp_ros.backends.rosbags import Writer
from bpnp_ros.bags import messages
from bpnp_ros.bags.reading import Bag
from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.localizer.types import Category, Rejection
from bpnp_ros.point_map.point_map import PointMap
from bpnp_ros.replay.configuration import configuration
from bpnp_ros.replay.player import Played, Player
from bpnp_ros.replay.topics import Topics, choose_topics

SECOND = 1_000_000_000
START = 100 * SECOND
RNG = np.random.default_rng(0)
LOST = Rejection(Category.NOT_VERIFIED, "chance", {"search": 0.1})


class Engine:
    """Its localisers note what they are asked, and find nothing."""

    config, bundle = LocalizerConfig(), None

    def __init__(self) -> None:
        self.asked: list[tuple[int, float]] = []
        self.prepared = self.resets = self.maps = 0
        self.flaw: Exception | None = None

    def build(self, source: PointMap) -> Any:
        self.maps += 1
        model = SimpleNamespace(point_map=source)
        return SimpleNamespace(
            map_model=model,
            state="LOST",
            notes=[],
            prepare=self._prepare,
            reset=self._reset,
            localize=self._localize,
            memory_estimate=lambda: 0,
        )

    def _prepare(self, frustum: Any) -> None:
        self.prepared += 1

    def _reset(self) -> None:
        self.resets += 1

    def _localize(self, keypoints: Any, stamp: float, prior: Any, odometry: Any) -> Rejection:
        self.asked.append((len(keypoints), stamp))
        if self.flaw is not None:
            raise self.flaw
        return LOST


def keypoints(stamp: int, count: int = 20) -> Any:
    u, v = RNG.uniform(0, 480, (2, count)).astype(np.float32)
    return messages.cloud(messages.header(stamp, "camera"), {"u": u, "v": v})


def picture(stamp: int, lights: int) -> Any:
    image = np.zeros((480, 640), np.uint8)
    for number in range(lights):
        image[20:24, 30 * number + 10 : 30 * number + 14] = 255
    data = cv2.imencode(".png", image)[1].tobytes()
    return messages.compressed_image(messages.header(stamp, "camera"), data, "png")


def a_map(stamp: int) -> Any:
    xyz = dict(zip("xyz", RNG.uniform(-5, 5, (3, 100)), strict=True))
    return messages.cloud(messages.header(stamp, "map"), xyz)


def camera_info(stamp: int, focal: float = 370.0) -> Any:
    info = messages.camera_info(messages.header(stamp, "camera"), CAMERA)
    info.k[0] = info.k[4] = focal
    return info


def refusal(of: Played) -> Rejection:
    assert isinstance(of.answer, Rejection)
    return of.answer


def played(tmp_path: Path, engine: Any, *content: tuple[str, Any]) -> list[Played]:
    """The answers to a bag of messages in this order, a nanosecond apart."""
    with Writer(tmp_path / "bag") as bag:
        for topic, message in dict(content).items():
            bag.add_topic(topic, message.__msgtype__)
        for time, (topic, message) in enumerate(content):
            bag.write(topic, time, message)
    with Bag(tmp_path / "bag") as read:
        topics = choose_topics(read, Topics(map="/map"), map_from_bag=True)
        lights = configuration({"detector": "lights", "min_keypoints": 4})
        player = Player(read, topics, lights, engine)
        player.get_ready()
        return list(player.play())


def test_map_and_camera_are_known_before_the_first_keypoints(tmp_path: Path) -> None:
    engine = Engine()
    first = ("/keypoints", keypoints(START))
    answers = played(tmp_path, engine, first, ("/map", a_map(1)), ("/info", camera_info(1)))
    assert engine.asked == [(20, 100.0)] and refusal(answers[0]).category == Category.NOT_VERIFIED
    assert (engine.maps, engine.prepared) == (1, 1)


def test_a_new_map_or_camera_is_taken_when_it_comes(tmp_path: Path) -> None:
    engine = Engine()
    content = [("/map", a_map(1)), ("/info", camera_info(1)), ("/keypoints", keypoints(START))]
    content += [("/map", a_map(2)), ("/info", camera_info(2, 400.0))]
    content += [("/keypoints", keypoints(START + SECOND))]
    answers = played(tmp_path, engine, *content)
    assert (engine.maps, engine.prepared, len(answers)) == (2, 3, 2)
    assert "prepare" in answers[1].seconds and answers[1].seconds["search"] == 0.1


def test_images_go_through_the_detector_and_a_broken_one_is_named(tmp_path: Path) -> None:
    engine = Engine()
    broken = picture(START + SECOND, 9)
    broken.data = broken.data[:40]
    content = [("/map", a_map(1)), ("/info", camera_info(1)), ("/image", picture(START, 9))]
    content += [("/image", broken), ("/image", picture(START + 2 * SECOND, 2))]
    good, bad, dark = played(tmp_path, engine, *content)
    assert engine.asked == [(9, 100.0)] and good.seconds["detect"] > 0
    assert refusal(bad).category == Category.BAD_KEYPOINTS and "cut off" in refusal(bad).message
    assert bad.keypoints is None and bad.stamp_ns == START + SECOND
    assert refusal(dark).category == Category.TOO_FEW_KEYPOINTS


def test_stamps_are_judged_as_by_the_node(tmp_path: Path) -> None:
    engine = Engine()
    earlier = [START - 10 * SECOND + i for i in range(3)]
    stamps = (START, START, 0, *earlier)
    content = [("/map", a_map(1)), ("/info", camera_info(1))]
    content += [("/keypoints", keypoints(stamp)) for stamp in stamps]
    _, again, zero, doubted, _, back = played(tmp_path, engine, *content)
    assert "not later than the last one" in refusal(again).message
    assert "the stamp is zero" in refusal(zero).message
    assert "10.000 s before the last one" in refusal(doubted).message
    assert engine.resets == 1  # time has jumped back: what is known of cameras is too old
    assert refusal(back).category == Category.NO_CAMERA_INFO


def test_a_flaw_inside_is_an_answer_and_not_the_end(tmp_path: Path) -> None:
    engine = Engine()
    engine.flaw = ZeroDivisionError("oh")
    content = [("/map", a_map(1)), ("/info", camera_info(1)), ("/keypoints", keypoints(START))]
    content += [("/keypoints", keypoints(START + SECOND))]
    answers = played(tmp_path, engine, *content)
    assert [refusal(answer).category for answer in answers] == [Category.INTERNAL_ERROR] * 2
