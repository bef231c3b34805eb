# make demo   installs what is missing and shows a simulated Franka pick up a cube
# make docs   builds the documentation into out/site, from docs/ and from the code
# make notebooks   writes the notebooks of examples/ to out/notebooks
# make test   installs what is missing, lints, type-checks and runs the tests
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# these start nodes; the others must pass without a rclpy
GRAPH_TESTS := tests/middleware tests/nodes tests/bringup
# has the longest test, which the others run beside: they begin in this order
FIRST_TESTS := tests/cli/
# a file of tests, as it stands, on each of two cores; a worker that is lost ends the run (xdist 3.8 waits for ever instead)
PYTEST := $(BIN)/python -m pytest -q -m 'not slow' -n 2 --dist loadfile --no-loadscope-reorder --max-worker-restart 0
DEMO_ARGS ?= --episodes 5 --seed 2000
# the dynamic linker of a virtual environment needs no activation; user site packages must not leak in
export PYTHONNOUSERSITE := 1

.PHONY: demo test test-slow lint types setup docs notebooks clean

demo: $(VENV)/.installed
	$(BIN)/genima demo $(DEMO_ARGS) --report out/demo

test: $(VENV)/.installed-dev lint types
	$(PYTEST) $(FIRST_TESTS) $(filter-out $(FIRST_TESTS) $(GRAPH_TESTS:%=%/),$(wildcard tests/*/))
	$(PYTEST) $(GRAPH_TESTS)

test-slow: $(VENV)/.installed-docs
	$(BIN)/python -m pytest -q -m slow

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check src tests examples tools

types: $(VENV)/.installed-dev
	$(BIN)/mypy

setup: $(VENV)/.installed-dev

$(VENV)/.installed: pyproject.toml constraints.txt tools/install.sh
	PYTHON='$(PYTHON)' VENV='$(VENV)' sh tools/install.sh .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	PYTHON='$(PYTHON)' VENV='$(VENV)' sh tools/install.sh '.[dev,view]'
	touch $@

$(VENV)/.installed-docs: $(VENV)/.installed-dev
	PYTHON='$(PYTHON)' VENV='$(VENV)' sh tools/install.sh '.[docs]'
	touch $@

# the notice is about MkDocs 2, which we do not use
docs: $(VENV)/.installed-docs
	$(BIN)/python tools/docs/reference.py docs/reference
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

notebooks: $(VENV)/.installed-docs
	mkdir -p out/notebooks
	for each in examples/notebooks/*.py; do \
	    $(BIN)/jupytext --to ipynb --set-kernel python3 --output out/notebooks/$$(basename $$each .py).ipynb $$each || exit 1; \
	done

clean:
	rm -rf $(VENV) out .pytest_cache .mypy_cache .ruff_cache
