"""Builds tf2_msgs (TFMessage alone) for the pip wheels of ROS 2 Kilted, which lack it.

ROS's own generators write C from the one-line message, the compiler links it into one module.
"""

from __future__ import annotations

import json
import os
import shutil
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import SetupError

HERE = Path(__file__).resolve().parent
DEPENDENCIES = ("builtin_interfaces", "std_msgs", "geometry_msgs")
# What `ros2 topic info --verbose /tf` shows; another hash would never meet the real type.
TYPE_HASH = "RIHS01_e369d0f05a23ae52508854b66f6aa0437f3449d652e8cbf22d5abe85d020f087"


def wheels_prefix() -> Path:
    """The folder with the wheels' lib, include and share: a venv, or pip's build environment."""
    import rosidl_generator_c

    return Path(rosidl_generator_c.__file__).parents[4]


def generate(prefix: Path, output: Path) -> None:
    """Write the C sources, headers and Python modules of tf2_msgs to the folder `output`."""
    os.environ["AMENT_PREFIX_PATH"] = str(prefix)  # the wheels do not set it
    from rosidl_adapter.msg import convert_msg_to_idl
    from rosidl_generator_c.cli import GenerateC
    from rosidl_generator_py.cli import GeneratePython
    from rosidl_typesupport_fastrtps_c.cli import GenerateFastRTPSCTypesupport
    from rosidl_typesupport_introspection_c.cli import GenerateIntrospectionCTypesupport

    generators = (
        GenerateC("c"),
        GenerateFastRTPSCTypesupport("fastrtps_c"),
        GenerateIntrospectionCTypesupport("introspection_c"),
        GeneratePython("py", typesupport_implementations=["rosidl_typesupport_c"]),
    )
    message = Path("msg/TFMessage.msg")
    convert_msg_to_idl(HERE, "tf2_msgs", message, output / message.parent)
    includes = [str(prefix / "share" / package) for package in DEPENDENCIES]
    for generator in generators:
        generator.generate(
            "tf2_msgs", [f"{output}:{message.with_suffix('.idl')}"], includes, output_path=output
        )


def check_hash(description: Path) -> None:
    hashes = {
        entry["type_name"]: entry["hash_string"]
        for entry in json.loads(description.read_text())["type_hashes"]
    }
    found = hashes["tf2_msgs/msg/TFMessage"]
    if found != TYPE_HASH:
        raise SetupError(f"TFMessage was generated as {found}, ROS 2 expects {TYPE_HASH}")


def check_compiler() -> None:
    for variable, usual in (("CC", "gcc"), ("CXX", "g++")):
        if not shutil.which(os.environ.get(variable, usual).split()[0]):
            raise SetupError("tf2_msgs needs a C++ compiler: sudo apt-get install g++")
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        raise SetupError("tf2_msgs needs Python's headers: sudo apt-get install python3-dev")


class GenerateAndCompile(build_ext):
    def build_extension(self, ext: Extension) -> None:
        import numpy

        check_compiler()
        prefix = wheels_prefix()
        generated = Path(self.build_temp).resolve() / "tf2_msgs"
        shutil.rmtree(generated, ignore_errors=True)  # of an earlier build
        generate(prefix, generated)
        check_hash(generated / "msg" / "TFMessage.json")
        ext.sources += [str(path) for path in sorted(generated.rglob("*.c*"))]
        include = prefix / "include"
        ext.include_dirs = [str(generated.parent), numpy.get_include(), str(include)]
        ext.include_dirs += [str(path) for path in include.iterdir()]
        ext.library_dirs = [str(prefix / "lib")]
        super().build_extension(ext)
        package = Path(self.build_lib, "tf2_msgs")
        (package / "msg").mkdir(exist_ok=True)
        (package / "__init__.py").touch()
        for module in (generated / "msg").glob("*.py"):
            shutil.copy(module, package / "msg")


setup(
    name="bpnp-tf2-msgs",
    version="0.1.0",
    description="tf2_msgs/msg/TFMessage for the pip wheels of ROS 2 Kilted with Fast DDS",
    license="MIT",
    python_requires=">=3.10",
    packages=[],
    ext_modules=[
        Extension(
            "tf2_msgs.tf2_msgs_s__rosidl_typesupport_c",
            sources=["dispatch.c"],
            language="c++",
            extra_compile_args=["-g0"],
            extra_link_args=["-s"],
            libraries=[
                "geometry_msgs__rosidl_generator_c",
                "geometry_msgs__rosidl_generator_py",
                "geometry_msgs__rosidl_typesupport_fastrtps_c",
                "geometry_msgs__rosidl_typesupport_introspection_c",
                "rosidl_typesupport_fastrtps_c",
                "rosidl_typesupport_fastrtps_cpp",
                "rosidl_runtime_c",
                "fastcdr",
                "rcutils",
            ],
        )
    ],
    cmdclass={"build_ext": GenerateAndCompile},
    install_requires=["numpy", "ros-kilted-geometry-msgs==5.5.*"],
)
