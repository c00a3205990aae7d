# `make ablate` runs the main job and `make test` the tests, on a machine that has Python and make and nothing else.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# A test may start many processes: compiled files are kept for them, even where the environment says not to.
PYTEST := PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

.PHONY: help ablate install test test-slow test-lowest test-slurm test-gpu test-browser test-docker lint wheel docs docs-serve generated bench clean

help:
	@echo "make ablate   set up, then Table 3 of the Inception-v3 paper on embedded data (about a quarter of an hour on two cores)"
	@echo "make install  set up only: the command is then $(BIN)/inceptionctl"
	@echo "make test     set up, then the tests          make test-slow   those that train for minutes; faults"
	@echo "make test-lowest  models, training, ranks and whole runs with the lowest versions that pyproject.toml declares"
	@echo "make test-slurm   those on a private Slurm cluster (as root; installs Debian's Slurm if need be)"
	@echo "make test-browser those of the report's page and of the documentation in Chromium (installs Debian's if need be)"
	@echo "make test-docker  builds the images of docker/ and works in them, without a daemon (as root on Debian; 35 GB of disk)"
	@echo "make test-gpu     those that need a CUDA device; the same without one: ARGS='--device cpu --tiny'"
	@echo "make lint     ruff, mypy, shellcheck          make wheel       build the wheel and try it in a clean environment"
	@echo "make docs     the documentation as a site, in build/docs; a warning is an error      make docs-serve  at localhost:8000"
	@echo "make generated  AGENTS.md, llms.txt and the picture of the packages, after a change of commands, pages or packages"
	@echo "make bench    every benchmark, one after the other"

ablate: $(VENV)/.installed
	$(BIN)/inceptionctl ablate $(ARGS)

install: $(VENV)/.installed

# Each file in one worker, which makes its fixtures once. Files of slow tests differ too much in length for that.
test: $(VENV)/.tested
	$(PYTEST) --dist loadfile $(ARGS)

test-slow: $(VENV)/.tested
	$(PYTEST) --dist loadgroup -m slow $(ARGS)

test-lowest: $(VENV)/.tested
	.ci/lowest $(ARGS)

test-slurm: $(VENV)/.tested
	.ci/slurm $(ARGS)

test-browser: $(VENV)/.tested
	.ci/browser $(ARGS)

test-docker: $(VENV)/.tested
	.ci/docker $(ARGS)

test-gpu: $(VENV)/.tested
	PYTHON=$(CURDIR)/$(BIN)/python .ci/gpu correctness 900 $(ARGS)

lint: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/shellcheck .ci/* inceptionctl/launch/slurm/*.sh.in docker/slurm/start
	$(BIN)/hadolint docker/Dockerfile

wheel: $(VENV)/.tested
	.ci/wheel

# A fresh environment: pages that have not changed would keep an older table of contents.
docs: $(VENV)/.tested
	$(BIN)/sphinx-build --fresh-env --fail-on-warning --keep-going --quiet docs build/docs
	@echo "build/docs/index.html"

docs-serve: docs
	$(BIN)/python -m http.server --directory build/docs --bind localhost 8000

generated: $(VENV)/.tested
	PYTHONPATH=docs $(BIN)/python -m from_code

bench: $(VENV)/.tested
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/building.py
	$(BIN)/python benchmarks/throughput.py
	$(BIN)/python benchmarks/ranks.py
	$(BIN)/python benchmarks/cache.py
	$(BIN)/python benchmarks/index_memory.py
	$(BIN)/python benchmarks/checkpoint.py
	$(BIN)/python benchmarks/recovery.py
	$(BIN)/python benchmarks/ablate.py
	$(BIN)/python benchmarks/status.py
	$(BIN)/python benchmarks/ledger.py

clean:
	rm -rf $(VENV) .uv build dist *.egg-info

# uv installs torch in seconds; where there is none, it goes into an environment of its own.
$(VENV)/.installed: pyproject.toml constraints.txt
	@command -v uv >/dev/null || test -x .uv/bin/uv || { $(PYTHON) -m venv .uv && .uv/bin/pip install --quiet uv; }
	@test -x $(BIN)/python || PATH="$$PATH:$(CURDIR)/.uv/bin" uv venv --quiet --python $(PYTHON) $(VENV)
	@PATH="$$PATH:$(CURDIR)/.uv/bin" VIRTUAL_ENV=$(VENV) uv pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.tested: $(VENV)/.installed
	@PATH="$$PATH:$(CURDIR)/.uv/bin" VIRTUAL_ENV=$(VENV) uv pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@
