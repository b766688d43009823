"""The page of a replay, as a browser shows it."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recordings import write_recording, write_weights
from rich.console import Console

pytest.importorskip("rosbags", reason="needs rosbags: pip install '.[bags]'")

from bpnp_ros.backends.opencv import decode
from bpnp_ros.replay.run import run
from bpnp_ros.tools.replay import parse_arguments

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
WIDTH, HEIGHT = 1280, 2400

pytestmark = pytest.mark.skipif(not BROWSER, reason="needs Chromium or Chrome")

MEASURED = """
<script>
addEventListener("load", () => {
  const shown = [...document.images].map(image => {
    const place = image.getBoundingClientRect();
    return {alt: image.alt, pixels: image.naturalWidth, width: place.width, height: place.height};
  });
  document.body.dataset.shown = JSON.stringify({images: shown, wide: document.body.scrollWidth});
});
</script>
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    weights = write_weights(folder / "rooms.safetensors")
    words = [str(write_recording(folder / "walk")), "--out", str(folder / "out")]
    words += ["--weights", str(weights), "--set", "bank_views=1000"]
    assert run(parse_arguments(words), Console(file=io.StringIO())) == 0
    return folder / "out" / "report.html"


def browse(page: Path, profile: Path, *words: str) -> tuple[str, str]:
    """What the browser prints, and its log."""
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    command += [f"--user-data-dir={profile}", "--disable-background-networking"]
    command += [f"--window-size={WIDTH},{HEIGHT}", *words, page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, done.stderr


def test_the_browser_has_nothing_to_complain_of(page: Path, tmp_path: Path) -> None:
    _, log = browse(page, tmp_path / "profile", "--dump-dom")
    assert not [line for line in log.splitlines() if "CONSOLE" in line]


def test_every_figure_is_decoded_and_shown(page: Path, tmp_path: Path) -> None:
    measured = tmp_path / "measured.html"
    measured.write_text(page.read_text(encoding="utf-8") + MEASURED, encoding="utf-8")
    dom, _ = browse(measured, tmp_path / "profile", "--dump-dom")
    found = re.search(r'data-shown="([^"]*)"', dom)
    assert found is not None
    shown: dict[str, Any] = json.loads(unescape(found[1]))
    assert len(shown["images"]) == 7 and shown["wide"] <= WIDTH
    assert all(image["pixels"] > 400 and image["alt"] for image in shown["images"])
    assert all(image["width"] > 300 and image["height"] > 200 for image in shown["images"])


def test_the_page_is_no_blank_sheet(page: Path, tmp_path: Path) -> None:
    picture = tmp_path / "page.png"
    browse(page, tmp_path / "profile", f"--screenshot={picture}")
    image = decode(picture.read_bytes())
    assert image is not None and image.shape[:2] == (HEIGHT, WIDTH)
    grey = image.reshape(HEIGHT, WIDTH, -1).mean(axis=2)
    inked = (grey < 200).reshape(8, HEIGHT // 8, WIDTH).mean(axis=(1, 2))
    assert (inked[:4] > 0.005).all() and np.mean(grey > 200) > 0.5
