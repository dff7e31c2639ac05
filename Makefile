# Everything a fresh Debian machine needs is installed by the targets themselves:
# system packages by apt when run as root (else the command is printed), a virtual
# environment in .venv, reroll in it.
PYTHON ?= python3
VENV ?= .venv
LINUX ?=
LINUX_6_1 ?=
LINUX_NEWER ?=
RUN := $(VENV)/bin

# The 5.10 tree that "make test-linux" uses unless LINUX names a clone.
LINUX_VERSION ?= 5.10
LINUX_DIR ?= .linux/$(LINUX_VERSION)
LINUX_TESTS ?= tests
TREE ?= $(LINUX_DIR)
ROUNDS ?= 5
ENGINE ?=

.PHONY: help demo test test-linux soak bench lint manual dist clean
help:
	@echo 'make demo        generate, apply and send the sample series, all on this machine'
	@echo 'make test        lint, types, layers and the fast tests'
	@echo 'make test-linux  the tests on real kernel sources, two of 5.10 and 6.1, and slow ones'
	@echo '                 (LINUX=DIR, LINUX_NEWER=DIR and LINUX_6_1=DIR name clones)'
	@echo 'make soak        sending 18 mails, killed at 100 points and resumed; all answers of'
	@echo '                 get_maintainer.pl about 1,000 files; all objects of a treewide change'
	@echo 'make bench TREE=DIR  ours against make coccicheck, spatch and get_maintainer.pl,'
	@echo '                 on a 5.10 tree (ROUNDS=5; ENGINE="--only NAME" for some rows)'
	@echo 'make lint        lint, types and layers only'
	@echo 'make manual      the manual pages, after a change of a help text'
	@echo 'make dist        sdist and wheel of the last commit, tested, in dist/ (docs/releasing.md;'
	@echo '                 TRIAL=1: in build/dist, of any tree; TESTS=tests/test_cli.py: only these)'

$(VENV)/.ready: pyproject.toml scripts/setup
	@scripts/setup $(PYTHON) $(VENV)

demo: $(VENV)/.ready
	@scripts/need git git-email libmailtools-perl
	@$(RUN)/python -m tests.demo

lint: $(VENV)/.ready
	@$(RUN)/ruff format --check .
	@$(RUN)/ruff check .
	@$(RUN)/mypy
	@$(RUN)/lint-imports

manual: $(VENV)/.ready
	@$(RUN)/python scripts/manual

test: lint
	@scripts/need git git-email libmailtools-perl gcc make
	@$(RUN)/pytest -n auto -m 'not linux and not slow'

test-linux: $(VENV)/.ready
	@scripts/need git git-email libmailtools-perl gcc make flex bison bc libelf-dev libssl-dev \
		public-inbox coccinelle sparse gcc-aarch64-linux-gnu zsh fish mandoc groff chromium
	@linux='$(LINUX)'; \
	if [ -z "$$linux" ]; then \
		linux='$(LINUX_DIR)'; \
		[ -d "$$linux/.git" ] || scripts/linux-tree $(LINUX_VERSION) "$$linux"; \
	fi; \
	later='$(LINUX_6_1)'; \
	if [ -z "$$later" ] && [ -z '$(LINUX)' ]; then \
		later=.linux/6.1; \
		[ -d "$$later/.git" ] || scripts/linux-tree 6.1 "$$later"; \
	fi; \
	newer='$(LINUX_NEWER)'; \
	if [ -z "$$newer" ] && [ -z '$(LINUX)' ]; then \
		newer=.linux/$(LINUX_VERSION)-newest; \
		[ -d "$$newer/.git" ] || \
			scripts/linux-tree $(LINUX_VERSION) "$$newer" security || newer=; \
	fi; \
	REROLL_LINUX="$$(realpath "$$linux")" \
	REROLL_LINUX_6_1="$${later:+$$(realpath "$$later")}" \
	REROLL_LINUX_NEWER="$${newer:+$$(realpath "$$newer")}" \
		$(RUN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --durations=10 \
			-m 'linux or slow' $(LINUX_TESTS)

# What takes too long for every run: sending 18 mails, killed at 100 points; the script's
# answers about 1,000 files of each tree; every object that loses its owner.
soak: LINUX_TESTS = $(addprefix tests/linux/test_,send_killed.py maintainers_oracle.py class_create.py)
soak:
	@REROLL_SOAK=1 $(MAKE) --no-print-directory test-linux LINUX_TESTS='$(LINUX_TESTS)'

bench: $(VENV)/.ready
	@scripts/need git perl
	@rm -rf build/bench && mkdir -p build/bench
	@git clone -q --bare --shared '$(TREE)' build/bench/linux.git
	@git -C build/bench/linux.git config user.name Bench
	@git -C build/bench/linux.git config user.email bench@example.org
	@$(RUN)/reroll -C build/bench init series --campaign frame_vector >build/bench/log
	@$(RUN)/reroll -C build/bench/series --tree build/bench/linux.git generate >>build/bench/log
	@$(RUN)/python -m benchmarks.maintainers --tree '$(TREE)' --json build/bench/maintainers.json \
		build/bench/series
	@$(RUN)/python -m benchmarks.reading --rounds $(ROUNDS) --json build/bench/reading.json
	@scripts/need make coccinelle || echo 'there will be no figures of make coccicheck' >&2
	@$(RUN)/python -m benchmarks.engine --tree '$(TREE)' --rounds $(ROUNDS) \
		--json build/bench/engine.json $(ENGINE)
	@scripts/need flex bison bc libelf-dev libssl-dev || echo 'nothing will compile' >&2
	@$(RUN)/python -m benchmarks.checking --tree build/bench/linux.git \
		--json build/bench/checking.json build/bench/series
	@mkdir build/bench/strscpy && cp benchmarks/strscpy.toml build/bench/strscpy/series.toml
	@$(RUN)/reroll -C build/bench/strscpy --tree build/bench/linux.git generate >>build/bench/log
	@$(RUN)/python -m benchmarks.checking --tree build/bench/linux.git \
		--json build/bench/checking-strscpy.json build/bench/strscpy

# Of what is committed; everything it needs beside git comes into build/dist.
TRIAL ?=
TESTS ?=
dist: $(VENV)/.ready
	@scripts/need git git-email libmailtools-perl gcc make
	@$(RUN)/python scripts/release $(if $(TRIAL),--trial) $(TESTS)

clean:
	rm -rf $(VENV) .demo build dist
