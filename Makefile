PYTHON ?= python3
BIN := .venv/bin

.PHONY: help run test test-rest test-all test-machines test-gpu test-cluster coverage lint messages bench load soak fuzz journeys examples screenshots pins

help:  # what there is to make
	@grep -E '^[a-z-]+:.*  # ' Makefile | sed -E 's/:.*  # /\t/' | expand -t 16

run: .venv/app.stamp  # the lab itself
	$(BIN)/streamlit run streamlit_app.py

test: .venv/dev.stamp  # what lets one trust a change, in six minutes on two cores
	$(BIN)/python -m tests.parts quick

test-rest: .venv/dev.stamp  # the slow tests, and those in a browser
	$(BIN)/python -m tests.parts rest

test-all: .venv/dev.stamp  # both, with one summary, and the coverage of tl_core
	$(BIN)/python -m tests.parts quick rest --coverage

test-machines: .venv/dev.stamp  # the tests without a browser, as other processors compute
	$(BIN)/python -m tests.machines --all

test-gpu: .venv/dev.stamp  # on CUDA
	$(BIN)/python -m pytest -m gpu tests/gpu

test-cluster: .venv/dev.stamp  # on a Ray cluster of two machines on this computer
	$(BIN)/python -m pytest -m cluster tests/cluster

coverage: .venv/dev.stamp  # which branches of tl_core no test takes
	$(BIN)/python -m pytest -m "not gpu and not walk" tests/unit tests/app tests/cluster --cov=tl_core --cov-branch --cov-report=term-missing:skip-covered

lint: .venv/dev.stamp  # style, types, imports, messages, known vulnerabilities
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/test.yml
	$(BIN)/python -m tests.messages check
	$(BIN)/python -m tests.audit

messages: .venv/dev.stamp  # the catalogues, up to date with the texts of the code
	$(BIN)/python -m tests.messages update

bench: .venv/dev.stamp  # measures again: NAME=ideal; without NAME, which there are
	$(BIN)/python -m tl_core bench $(NAME)

load: .venv/dev.stamp  # a class at once; ARGS="--machines 1 2"
	$(BIN)/python -m tests.load $(ARGS)

soak: .venv/dev.stamp  # twenty visitors for forty minutes
	$(BIN)/python -m tests.soak $(ARGS)

pins: .venv/dev.stamp  # whether every pin is there for each Python
	$(BIN)/python -m tests.pins

fuzz: .venv/dev.stamp  # generated input: ARGS="--cases 10000"
	$(BIN)/python -m tests.fuzz $(or $(ARGS),--cases 10000)

journeys: .venv/dev.stamp  # a random visitor, with new seeds
	$(BIN)/python -m tests.journeys $(ARGS)

examples: .venv/dev.stamp  # the finished pictures of assets/examples/
	$(BIN)/python -m tests.pictures.examples

screenshots: .venv/dev.stamp  # README's pictures
	$(BIN)/python -m tests.pictures.screenshots

.venv/app.stamp: requirements.txt
	@echo "Installing what the lab needs into .venv: a few minutes, the first time only ..."
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

.venv/dev.stamp: requirements-dev.txt requirements-cluster.txt .venv/app.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@
