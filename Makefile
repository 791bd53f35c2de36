# make run         the product, on this machine, with invented data     make test    every check and test
# make demo-reset  throw that data away and start over                  make bench   measured ratios
# make fuzz        a long run of the readers against spoiled files       make lock    the lock files, after changing pyproject.toml
# make setup       only the environment

PYTHON ?=
python = .venv/bin/python
# The first Python that is 3.11; failing that, whatever there is, so that it can say what is wrong.
find = for p in $(PYTHON) python3.11 python3 python; do \
         $$p -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null && break; p=; done; \
       p=$${p:-$(or $(PYTHON),python3)}; \
       command -v $$p >/dev/null || { echo "Python 3.11 is needed and $$p was not found. Remedy: install python3.11" >&2; exit 1; }

.PHONY: run demo-reset setup test bench fuzz lock format
.DEFAULT_GOAL := run

run:
	@$(find); $$p requirements/install.py run
	@exec $(python) -m config.local run

demo-reset:
	@$(find); $$p requirements/install.py run
	@exec $(python) -m config.local reset

setup:
	@$(find); $$p requirements/install.py dev

test: setup
	@$(python) -m tests.run

bench: setup
	@$(python) -m tests.benchmarks

fuzz: setup
	@seed=$${SEED:-$$(date +%s)}; echo "seed $$seed: SEED=$$seed make fuzz does the same again"; \
	 RECON_FUZZ=$${TIMES:-40} $(python) -m pytest tests/fuzz -q -n 2 --hypothesis-seed=$$seed

format: setup
	@$(python) -m ruff check --fix . && $(python) -m ruff format .

lock: setup
	@$(python) -m uv pip compile pyproject.toml --output-file requirements/run.txt $(lock_flags)
	@$(python) -m uv pip compile pyproject.toml --group dev --constraint requirements/run.txt --output-file requirements/dev.txt $(lock_flags)

lock_flags = --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header $(LOCK)
