"""The arguments of every experiment with one scene and its photographs."""

from __future__ import annotations

import argparse
from pathlib import Path


def scene_parser(description: str | None) -> argparse.ArgumentParser:
    """Of `scene`, a file, and `photographs`, a folder."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("scene", type=Path)
    parser.add_argument("photographs", type=Path)
    return parser
