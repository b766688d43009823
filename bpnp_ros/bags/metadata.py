"""What metadata.yaml says of a bag. It only describes the files, and is often edited: nothing is
read by it, but where it promises more than there is, something was lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePath

import yaml

METADATA = "metadata.yaml"


def broken_promises(folder: Path, messages: int) -> Iterator[str]:
    """Sentences: what should be in the bag and is not. messages: how many were found."""
    try:
        text = (folder / METADATA).read_text(encoding="utf-8")
        about = yaml.safe_load(text)["rosbag2_bagfile_information"]
        files = [PurePath(name).name for name in about["relative_file_paths"]]
        promised = int(about["message_count"])
    except FileNotFoundError:
        yield f"{folder} has no {METADATA}"
        return
    except (OSError, ValueError, TypeError, KeyError, RecursionError, yaml.YAMLError):
        yield f"{folder / METADATA} makes no sense"
        return
    for name in files:
        if not (folder / name).exists():
            yield f"{METADATA} names {name}, which is not there"
    if promised > messages:
        yield f"{METADATA} promises {promised} messages, {messages} are there"
