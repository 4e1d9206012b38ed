# make lab    open JupyterLab on the first notebook, with an embedded Redis
# make test   run what must pass before a push: checks, tests, notebooks, browser
# make help   list the rest

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
# Marks of what is installed: what developers need, and what learners need, which is far less.
READY := .venv/.ready
LEARN := .venv/.learn
BUNDLED := package-lock.json hatch_build.py $(wildcard streamviz/*/static/*.js notebooks/go_game/static/*.js)
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -e
# What is marked as slow is left to `make slow` and to CI: long runs, and more cases of a kind.
QUICK := -m "not slow"
# What the second server is for, where its replies are read; `make test-matrix` runs everything on it.
ROOMS := $(addprefix tests/,client observation patterns plots recording simulation)
PATIENT := -n 4 --dist worksteal  # these wait for processes more than they work

unexport PYTHONDONTWRITEBYTECODE  # each of a thousand processes would compile the package again

.PHONY: help js lab test slow check docs unit faults notebooks chromium browser execute words pictures gif bench load long mutants lag test-matrix test-pages test-versions test-install coverage-table clean

help:
	@echo "make lab          open JupyterLab on the first notebook, with an embedded Redis"
	@echo "make test         what must pass before a push: check, unit, notebooks, browser"
	@echo "make slow         the tests that make test leaves to CI: long runs, more cases of a kind"
	@echo "make js           bundle the browser's JavaScript; every target does this if it changed"
	@echo "make check        format, lint, types, import contract, links in the prose"
	@echo "make unit         the package's tests, on every server that is at hand"
	@echo "make faults       of the tests of unit, those that break something"
	@echo "make notebooks    pytest --nbval: every notebook's committed output still holds"
	@echo "make browser      the notebooks in a real JupyterLab in a real browser"
	@echo "make execute      run the notebooks again and save their new outputs"
	@echo "make words        no words of a plot over others, at every size: a table of minutes"
	@echo "make docs         the documentation as a site: docs/_build/html"
	@echo "make pictures     take the README's pictures again"
	@echo "make gif          make the README's moving picture again, from its recording"
	@echo "make bench        the benchmarks, as a table with ratios"
	@echo "make load         of the benchmarks, those of a busy and of a large server"
	@echo "make long         ten minutes at real speed and hours on the virtual clock: nothing grows"
	@echo "make mutants      break the observation's modules, and see whether its tests notice"
	@echo "make lag          10,000 random samples against a full count (SAMPLES=, SEED=)"
	@echo "make test-matrix  the package's tests on Redis 7.0, 8.2, 8.6 and Valkey 9.1"
	@echo "make test-pages   dashboards and players in pages of MkDocs, Streamlit, Solara and Panel"
	@echo "make test-versions  the package's tests on the lowest and on the newest dependencies"
	@echo "make test-install   install the wheel as a learner does, and run the first notebook"
	@echo "make coverage-table  notebooks/README.md: the map, and where each command is met"
	@echo "make clean        remove the environment and everything built"

.venv/pyvenv.cfg:
	@test -n "$(PYTHON)" || { echo "streamviz needs Python 3.11 or newer: install it, or name it: make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv .venv

$(READY): pyproject.toml | .venv/pyvenv.cfg
	$(INSTALL) '.[dev]'
	@touch $@

$(LEARN): pyproject.toml $(BUNDLED) | .venv/pyvenv.cfg
	$(INSTALL) '.[lab]' --no-compile  # which bundles the JavaScript, too
	@touch $@

js: $(READY)
	@$(BIN)/python hatch_build.py  # nothing to do if no source has changed

# A copy that Git ignores. A comment in the recipe would put a shell in between, and a SIGTERM
# would end that shell, and not JupyterLab.
lab: $(if $(wildcard $(READY)),js,$(LEARN))
	$(BIN)/streamviz tutorial course

test: check unit notebooks browser

slow: chromium
	$(BIN)/python -m pytest tests --ignore tests/browser -m "slow" $(PATIENT)
	$(call second,server and slow)
	$(BIN)/python -m pytest tests/browser -m "slow" -n logical --dist worksteal

check: js
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tests/prose_links.py

define second
@if [ -x /usr/bin/redis-server ]; then \
	STREAMVIZ_TEST_SERVER=/usr/bin/redis-server $(BIN)/python -m pytest $(ROOMS) -m "$(1)" $(PATIENT); \
else echo "no redis-server of the system: the second server is not tested here"; fi
endef

unit: js
	$(BIN)/python -m pytest tests --ignore tests/browser $(QUICK) $(PATIENT)
	$(call second,server and not slow)

faults: js
	$(BIN)/python -m pytest tests/faults $(PATIENT)

notebooks: js
	$(BIN)/python -m pytest --nbval notebooks -n logical --dist loadfile

chromium: js
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || $(BIN)/playwright install chromium

browser: chromium
	$(BIN)/python -m pytest tests/browser $(QUICK) -n logical --dist worksteal

words: js
	STREAMVIZ_WORDS=all $(BIN)/python -m pytest tests/browser/test_words.py -o timeout=3600

docs: js
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going -b html docs docs/_build/html

execute: js
	$(BIN)/python tests/execute_notebooks.py

pictures: js
	$(BIN)/python -m pytest tests/browser --pictures

gif: js
	$(BIN)/streamviz export notebooks/recordings/crash_and_rescue.jsonl.gz --overwrite \
		-o notebooks/images/crash_and_rescue.gif --plot flow \
		--size 820x310 --start 9.5 --end 23 --speed 2 --rate 10

bench: js
	$(BIN)/python -m pytest tests/benchmarks -o addopts= -o python_files='bench_*.py' --benchmark-disable-gc

load: js
	$(BIN)/python -m pytest tests/benchmarks/bench_load.py -o addopts= -o python_files='bench_*.py' --benchmark-disable-gc

long: js
	$(BIN)/python tests/long_run.py $(LONG)

mutants: js
	$(BIN)/python tests/mutation.py $(MUTANTS)

lag: js
	STREAMVIZ_LAG_SAMPLES=$(or $(SAMPLES),10000) STREAMVIZ_LAG_SEED=$(or $(SEED),1) \
		$(BIN)/python -m pytest tests/observation/test_lag_counted.py -s

test-matrix: js
	$(BIN)/python tests/matrix/run.py

test-pages: js
	$(BIN)/python -m pytest tests/browser/pages_of_tools.py -o python_files='pages_*.py'

test-versions: $(if $(wildcard $(READY)),js,$(LEARN))
	$(BIN)/python tests/versions.py $(VERSIONS)

test-install: js
	$(BIN)/python tests/install.py

coverage-table: js
	$(BIN)/python tests/course_map/make.py

clean:
	rm -rf .venv node_modules docs/_build docs/course */*/static/dist build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .cache test-results
