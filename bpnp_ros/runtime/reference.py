"""Write down the parameters: config/localization.yaml, and the tables of docs/interface.md.

python -m bpnp_ros.runtime.reference, in a checkout, after a parameter has changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from bpnp_ros.keypoints.detector import DetectorConfig
from bpnp_ros.keypoints.keypoints import KeypointConfig
from bpnp_ros.localizer.config import LocalizerConfig
from bpnp_ros.runtime.settings import (
    LocalizationSettings,
    MapServerSettings,
    Parameter,
    parameters_of,
)

SECTIONS = {
    "The node": LocalizationSettings,
    "Keypoints": KeypointConfig,
    "The localiser": LocalizerConfig,
}
TABLES = {
    "localization": tuple(SECTIONS.values()),
    "map_server": (MapServerSettings,),
    "keypoint_detector": (DetectorConfig,),
}
YAML = Path("config/localization.yaml")
DOCUMENT = Path("docs/interface.md")

_HEAD = """\
# Every parameter of the localization node with its default, and its unit in brackets.
# Written by python -m bpnp_ros.runtime.reference from the descriptions in the code.
/**:  # whatever the node is called
  ros__parameters:  # changed values may stay alone in a file of your own
"""


def yaml_text() -> str:
    """The contents of config/localization.yaml."""
    lines = [_HEAD.rstrip()]
    for title, configuration in SECTIONS.items():
        lines.append(f"    # {title}")
        lines += [_yaml_line(parameter) for parameter in parameters_of(configuration)]
    return "\n".join(lines) + "\n"


def _yaml_line(parameter: Parameter) -> str:
    unit = f"[{parameter.unit}] " if parameter.unit else ""
    allowed = f" ({_allowed(parameter)})" if _allowed(parameter) else ""
    value = json.dumps(parameter.default)
    return f"    {parameter.name}: {value}  # {unit}{parameter.description}{allowed}"


def _allowed(parameter: Parameter) -> str:
    notes = []
    if parameter.range is not None:
        notes.append(" to ".join(f"{limit:.10g}" for limit in parameter.range))
    if parameter.choices:
        notes.append(", ".join(parameter.choices))
    if parameter.read_only:
        notes.append("read-only")
    return "; ".join(notes)


def table(parameters: Iterable[Parameter]) -> str:
    """Parameters as a Markdown table."""
    rows = ["| parameter | default | unit | allowed | meaning |", "|---|---|---|---|---|"]
    for p in parameters:
        value = json.dumps(p.default)
        rows.append(f"| `{p.name}` | `{value}` | {p.unit} | {_allowed(p)} | {p.description} |")
    return "\n".join(rows)


def document_text(text: str) -> str:
    """docs/interface.md with its tables renewed."""
    for node, configurations in TABLES.items():
        begin, end = f"<!-- parameters of {node} -->\n", f"<!-- end of {node} -->"
        head, rest = text.split(begin)
        text = (
            head + begin + table(parameters_of(*configurations)) + "\n" + end + rest.split(end)[1]
        )
    return text


if __name__ == "__main__":
    YAML.write_text(yaml_text())
    DOCUMENT.write_text(document_text(DOCUMENT.read_text()))
