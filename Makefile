# make demo, make test: set-up included (scripts/set_up.py).  make help lists all.
PYTHON ?= python3
ARGS ?=

ifdef _ROS_WHEELS_BOOTSTRAP_COMPLETE  # left by the ROS wheels of another Python, it would stop ours
unexport _ROS_WHEELS_BOOTSTRAP_COMPLETE
unexport LD_LIBRARY_PATH
endif

.PHONY: help demo test lint docs environment clean

help:
	@echo 'make demo   watch a camera find itself, live over ROS 2    (ARGS="--path-seed 3")'
	@echo 'make test   run the tests                                  (ARGS="-k sinkhorn")'
	@echo 'make lint   check style and types'
	@echo 'make docs   the pages of the Python API, in out/docs'
	@echo 'make clean  remove the environment and everything that was built'
	@echo 'PYTHON=python3.12 names another Python, TORCH="torch==..." another torch.'

demo: environment
	@.venv/bin/bpnp_demo $(ARGS)

test: environment
	@.venv/bin/python -m pytest $(ARGS)

lint: environment
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

docs: environment
	.venv/bin/python scripts/api_pages.py out/docs

environment:
	@$(PYTHON) scripts/set_up.py

clean:
	rm -rf .venv build install log *.egg-info .mypy_cache .pytest_cache .ruff_cache
	rm -rf ros_wheels/tf2_msgs/build ros_wheels/tf2_msgs/*.egg-info
