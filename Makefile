# Two commands need nothing but Python ≥ 3.11, make and the package registry:
#   make demo    train on Python's own library for a minute, sample, highlight a neuron
#   make test    the tests
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
DEMO := checkpoints/demo
HIGHLIGHT := $(DEMO)/highlight.html

export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test docs fuzz audit lint format benchmarks models clean

demo: $(READY)
	rm -rf $(DEMO)
	$(BIN)/charrnn train python --minutes 1 --out $(DEMO)
	@echo; echo "— 500 characters by the model —"
	$(BIN)/charrnn sample $(DEMO) --prime "def " --length 500 --temperature 0.7 --seed 1
	@echo; echo "— the unit that follows best whether a character stands inside a string or comment —"
	$(BIN)/charrnn neurons show $(DEMO) python --part val --feature python_comment_or_string --length 400
	$(BIN)/charrnn neurons show $(DEMO) python --part val --feature python_comment_or_string --length 1500 \
		--output $(HIGHLIGHT)
	@echo "Open $(HIGHLIGHT) in a browser to see more of it."

# more processes than cores: many tests wait for the disk
WORKERS ?= 4
test: $(READY)
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile

# the documentation as a site; it may be opened from the folder
docs: .venv/docs-ready
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "Open build/site/index.html in a browser."

# mutated files and texts for what reads them, new ones each time; a finding is kept in a file and ends it
MINUTES ?= 10
fuzz: $(READY)
	$(BIN)/python tests/hostile/test_fuzz.py --minutes $(MINUTES)

# known weaknesses of what is installed, by the index's own list of them; the tool is fetched for it and kept apart
audit: $(READY)
	$(PYTHON) -m venv .venv/audit
	PIP_CONSTRAINT= .venv/audit/bin/python -m pip install --quiet pip-audit
	.venv/audit/bin/pip-audit --strict --requirement constraints.txt --no-deps --disable-pip

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

benchmarks: $(READY)
	$(BIN)/python benchmarks/quality.py

# the models in checkpoints/: hours on two cores; stopped, it goes on where it stood
models: $(READY)
	$(BIN)/python benchmarks/models.py

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "charrnn needs Python 3.11 or newer; name one with make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

.venv/docs-ready: $(READY)
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	touch $@
