# Everything a stranger needs: make demo, make test. `make help` lists the rest.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
export PATH := $(abspath $(BIN)):$(PATH)
READY := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo app browser-page test extras fuzz kill load clinic check wheel base newest docs docs-serve test-browser test-lab lab readme notebooks hooks clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20
	@echo '  DR_DATA=/path/to/archives make demo (or test): on the real archives too'

$(READY): settings.ini setup.py # nbdev_export writes pyproject.toml anew each time
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "dr_nbdev needs Python 3.11 or newer, this is " + sys.version.split()[0] + ": make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet -e '.[dev]'
	@touch $@

install: $(READY) ## .venv with everything in it

demo: $(READY) ## samples, merge, train, tune, grade: about 2 minutes, no network
	$(BIN)/dr_demo

app: $(READY) ## a page on this machine: drop photographs, see grades
	$(BIN)/dr_app

# what the notebooks leave in the folder for temporary files (about a gigabyte) goes when their test ends
SCRATCH = TMPDIR=$$(mktemp -d); export TMPDIR; trap 'rm -rf "$$TMPDIR"' EXIT;

browser-page: $(READY) ## a page that grades in the browser, as a folder for any web server: _page/
	$(BIN)/dr_browser_page _page

NB ?=
ifneq ($(NB),)
test: $(READY) # one notebook or one room, exported first
	@test -f nbs/$(NB).ipynb -o -d nbs/$(NB) || { echo "NB=$(NB): neither nbs/$(NB).ipynb nor a folder nbs/$(NB)"; exit 2; }
	$(BIN)/nbdev_export
	$(BIN)/python .ci/layers.py
	$(SCRATCH) $(BIN)/nbdev_test --path $(if $(wildcard nbs/$(NB).ipynb),nbs/$(NB).ipynb,nbs/$(NB)) --n_workers 2 --do_print
else
test: check ## all checks and all notebooks; NB=photos/field: one notebook, NB=photos: one room
	$(SCRATCH) time $(BIN)/nbdev_test --n_workers 2 --do_print
	$(SCRATCH) $(BIN)/python .ci/fuzz.py 12
	$(SCRATCH) $(BIN)/python .ci/kill.py 1
	$(MAKE) --no-print-directory wheel base
endif

EXTRAS := networks/registry networks/weights grading/scale
extras: $(READY) ## install timm and Ray, and run the notebooks whose cells need them
	$(BIN)/pip install --quiet -e '.[timm,ray]'
	$(BIN)/python .ci/project.py lab $(EXTRAS:%=nbs/%.ipynb)

FUZZ ?= 900
fuzz: $(READY) ## damaged and made-up inputs, for FUZZ=900 seconds
	$(BIN)/python .ci/fuzz.py $(FUZZ)

KILLS ?= 20
kill: $(READY) ## merge, training and prediction killed KILLS=20 times, and two at once
	$(BIN)/python .ci/kill.py $(KILLS)

load: $(READY) ## the service under load, with hostile uploads, and stopped in the middle
	$(BIN)/python .ci/load.py

clinic: $(READY) ## an archive of drawn studies, killed, restarted, with two workers (apt-get install orthanc orthanc-dicomweb dcmtk)
	$(BIN)/python .ci/clinic.py

check: $(READY) ## modules exported, imports on their floors (layers), notebooks clean, README.md current?
	$(BIN)/python .ci/project.py check

wheel: $(READY) ## build the wheel, install it in a clean venv, import every module
	$(BIN)/python .ci/project.py wheel

base: $(READY) ## the wheel without PyTorch in a clean venv: everything that grades
	$(BIN)/python .ci/project.py base

newest: $(READY) ## the wheel with the newest libraries in a clean venv: grade, merge, train, evaluate
	$(BIN)/python .ci/project.py newest

docs: $(READY) ## the site in _docs/: warnings are errors, links checked
	$(BIN)/python .ci/docs.py build

docs-serve: $(READY) ## show the site at http://127.0.0.1:8000
	$(BIN)/python .ci/docs.py serve

test-browser: docs ## the pages, the site and JupyterLab in Chromium (apt-get install chromium)
	$(BIN)/python .ci/browser.py app
	$(BIN)/python .ci/browser.py docs
	$(BIN)/python .ci/browser.py lab
	$(BIN)/python .ci/page.py check
	$(BIN)/python .ci/page.py compare

test-lab: $(READY) ## every notebook in a fresh kernel of JupyterLab
	$(BIN)/python .ci/project.py lab

lab: $(READY) ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab nbs

readme: $(READY) ## write README.md from nbs/index.ipynb, and the table of README.ru.md
	$(BIN)/python .ci/project.py readme

notebooks: $(READY) ## run all notebooks and keep their outputs
	$(BIN)/python .ci/project.py run $$(find nbs -name "*.ipynb" -not -path "*/.*")

hooks: $(READY) ## for those who edit: clean notebooks in git, merge them cell by cell
	$(BIN)/nbdev_install_hooks

clean: ## remove what building and testing leave behind (not .venv, data or weights)
	rm -rf build dist *.egg-info demo _docs _page
