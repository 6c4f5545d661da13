# Everything runs in .venv, made from pinned and hashed requirements.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check lint docs simulate simulate-gate requirements clean

demo: .venv/run.done  ## the whole pipeline on the bundled suite, offline
	$(BIN)/nextstep demo

test: .venv/test.done check  ## what CI runs

check: .venv/test.done lint
	$(BIN)/pytest

lint: .venv/test.done
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: .venv/test.done  ## write the generated pages anew
	$(BIN)/python -m tests.docs.generate

simulate: .venv/test.done  ## run the estimators where the truth is known and write the page; two minutes
	$(BIN)/python -m tests.simulation

simulate-gate: .venv/test.done  ## run `nextstep check` where the truth is known and write the page; 12 minutes of one core
	$(BIN)/python -m tests.operating

requirements:  ## pin anew; needs uv
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
		pyproject.toml requirements/build.in -o requirements/run.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--extra test -c requirements/run.txt pyproject.toml requirements/build.in -o requirements/test.txt

clean:
	rm -rf .venv nextstep-demo.duckdb

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "nextstep needs Python 3.11 or later; set PYTHON=")'
	$(PYTHON) -m venv .venv

.venv/run.done: .venv/bin/python requirements/run.txt pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

.venv/test.done: .venv/run.done requirements/test.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/test.txt
	touch $@
