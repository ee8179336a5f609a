# Two commands do everything: `make demo` and `make test`. Both set up first.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: setup demo test test-slow check docs fix zoo solutions results package clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/pip install --quiet --constraint constraints.txt --editable . --group dev --group docs
	touch $@

demo: setup
	$(BIN)/python examples/01_main_job.py

test: setup
	$(BIN)/python -m pytest -n 2

test-slow: setup
	$(BIN)/python -m pytest -n 2 -m slow

check: setup docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: setup
	$(BIN)/python -m sphinx -b html -q -W --keep-going docs build/docs

fix: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

zoo: setup
	$(BIN)/python -m accel_models.zoo.build

solutions: setup
	$(BIN)/python -m apollo_dse.benchmark.solve

results: setup
	$(BIN)/python benchmarks/results_page.py

package:
	$(PYTHON) benchmarks/package.py --python $(PYTHON)

clean:
	rm -rf $(VENV) build dist out .pytest_cache .ruff_cache .mypy_cache .hypothesis
