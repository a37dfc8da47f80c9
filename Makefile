PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test test-machines test-gpu test-cluster coverage lint messages bench load soak fuzz journeys examples screenshots pins

run: .venv/app.stamp
	$(BIN)/streamlit run streamlit_app.py

test: .venv/dev.stamp
	$(BIN)/python -m tests.parts

test-machines: .venv/dev.stamp
	$(BIN)/python -m tests.machines --all

test-gpu: .venv/dev.stamp
	$(BIN)/python -m pytest -m gpu tests/gpu

test-cluster: .venv/dev.stamp
	$(BIN)/python -m pytest -m cluster tests/cluster

coverage: .venv/dev.stamp
	$(BIN)/python -m pytest -m "not gpu and not walk" tests/unit tests/app tests/cluster --cov=tl_core --cov-branch --cov-report=term-missing:skip-covered

lint: .venv/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.messages check
	$(BIN)/python -m tests.audit

messages: .venv/dev.stamp
	$(BIN)/python -m tests.messages update

bench: .venv/dev.stamp
	$(BIN)/python -m tl_core bench $(NAME)

load: .venv/dev.stamp
	$(BIN)/python -m tests.load

soak: .venv/dev.stamp
	$(BIN)/python -m tests.soak

pins: .venv/dev.stamp
	$(BIN)/python -m tests.pins

fuzz: .venv/dev.stamp
	$(BIN)/python -m tests.fuzz --cases 10000

journeys: .venv/dev.stamp
	$(BIN)/python -m tests.journeys

examples: .venv/dev.stamp
	$(BIN)/python -m tests.pictures.examples

screenshots: .venv/dev.stamp
	$(BIN)/python -m tests.pictures.screenshots

.venv/app.stamp: requirements.txt
	@echo "Installing what the lab needs into .venv: a few minutes, the first time only ..."
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

.venv/dev.stamp: requirements-dev.txt requirements-cluster.txt .venv/app.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@
