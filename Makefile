# What people and CI run. Everything needs Rust, make and a C compiler; nothing else unless a target says so.

CARGO ?= cargo
# Where cargo builds; it reads the same variable.
CARGO_TARGET_DIR ?= target

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- demo ---

# The profile is dev: a cold build is what a visitor waits for, unoptimised code is the fastest to build, and it is
# shared with the tests. The controller needs milliseconds per Service even so.
# One cargo call, so that both programs share every dependency; only `metal`, so that no cloud SDK is compiled.
.PHONY: demo
demo: ## Watch Services get their EXTERNAL-IP; ONCE=1 ends when all have it, DEMO_ARGS adds flags (--help shows them).
	$(CARGO) build -p landfall -p landfall-testkit --bin landfall --bin landfall-demo \
	  --no-default-features --features landfall/metal
	$(CARGO_TARGET_DIR)/debug/landfall-demo $(if $(ONCE),--once) $(DEMO_ARGS)

# --- test ---

# Everything that CI runs: warm minutes, cold less than an hour on two cores.
.PHONY: test
test: check unit demo-once ## Run everything: lints, policies, all tests, the demo. CI runs this.

.PHONY: unit
unit: tools-seen moto ## Run all tests of all crates, documentation tests included.
	LANDFALL_TEST_MOTO_PYTHON=$(MOTO)/bin/python $(CARGO) test --workspace --all-features

.PHONY: demo-once
demo-once: ## Run the demo until every Service has its address, then stop.
	$(MAKE) demo ONCE=1

# Tests against kubectl replay recorded conversations everywhere and run live where kubectl is; say which it is.
.PHONY: tools-seen
tools-seen:
	@if command -v kubectl >/dev/null; then echo "kubectl: found, live tests run"; \
	  else echo "kubectl: NOT FOUND: recorded conversations are replayed, live kubectl tests do not run"; fi

# --- moto and LocalStack ---

PYTHON ?= python3
TOOLS = $(abspath $(CARGO_TARGET_DIR))/tools
MOTO = $(TOOLS)/moto
# Both listen there, so that everything else is the same for either.
AWS_LOCAL = http://127.0.0.1:4566

.PHONY: moto
moto: $(MOTO)/.installed ## Install moto, the AWS of the tests, below the target folder.

# Python's venv module is a package of its own on Debian and Ubuntu.
$(MOTO)/.installed: localstack/moto/requirements.txt
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || { \
	  echo "moto needs Python 3.10 or newer with venv: on Debian and Ubuntu, apt-get install python3-venv;" \
	    "another interpreter: make PYTHON=/path/to/python3"; exit 1; }
	rm -rf $(MOTO)
	$(PYTHON) -m venv $(MOTO)
	$(MOTO)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

.PHONY: moto-up
moto-up: moto ## Start moto on port 4566, in the background.
	@kill -0 "$$(cat $(MOTO)/pid 2>/dev/null)" 2>/dev/null || { \
	  $(MOTO)/bin/python localstack/moto/serve.py --port 4566 >$(MOTO)/log 2>&1 & echo $$! >$(MOTO)/pid; }
	@$(call wait-for,$(AWS_LOCAL)/moto-api/,$(MOTO)/log)
	@echo "moto: $(AWS_LOCAL); next: make aws-seed"

.PHONY: moto-down
moto-down: ## Stop moto; what was in it is gone.
	@kill "$$(cat $(MOTO)/pid)" && rm $(MOTO)/pid

.PHONY: localstack-up
localstack-up: ## Start LocalStack on port 4566; needs docker and LOCALSTACK_AUTH_TOKEN.
	docker compose -f localstack/compose.yaml up --detach --wait
	@echo "LocalStack: $(AWS_LOCAL); next: make aws-seed"

.PHONY: localstack-down
localstack-down: ## Stop LocalStack; what was in it is gone.
	docker compose -f localstack/compose.yaml down

.PHONY: aws-seed
aws-seed: moto ## Make a network and three instances there; Node objects go to target/nodes.json.
	AWS_ENDPOINT_URL=$(AWS_LOCAL) $(MOTO)/bin/python localstack/seed.py >$(CARGO_TARGET_DIR)/nodes.json

# $(1): what must answer; $(2): the log to show if it does not within 10 s.
wait-for = i=0; until $(PYTHON) -c 'import urllib.request as u; u.urlopen("$(1)", timeout=1)' 2>/dev/null; do \
  i=$$((i + 1)); [ $$i -lt 50 ] || { tail $(2); exit 1; }; sleep 0.2; done

# --- check ---

DENY_VERSION = 0.20.2
MACHETE_VERSION = 0.9.2

.PHONY: check
check: fmt-check lint each-crate policies generated-current readme-current ## Check format, lints, policies and generated files.

.PHONY: fmt
fmt: ## Format.
	$(CARGO) fmt --all

.PHONY: fmt-check
fmt-check:
	$(CARGO) fmt --all --check

.PHONY: lint
lint: ## Run clippy; warnings are errors.
	$(CARGO) clippy --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --all-features --quiet

# Each crate must compile alone: none may lean on a feature that another one switches on.
CRATES = landfall-core landfall-api landfall-runtime landfall-controller landfall landfall-memory landfall-metal landfall-aws landfall-aws-ec2 landfall-gcp landfall-testkit
.PHONY: each-crate
each-crate:
	@for crate in $(CRATES); do echo "check $$crate alone"; $(CARGO) check --quiet -p $$crate || exit 1; done

.PHONY: policies
policies: $(TOOLS)/bin/cargo-deny $(TOOLS)/bin/cargo-machete ## Check licences, bans, sources and unused dependencies.
	$(TOOLS)/bin/cargo-deny --log-level error check bans licenses sources
	$(TOOLS)/bin/cargo-machete

.PHONY: advisories
advisories: $(TOOLS)/bin/cargo-deny ## Check security advisories; needs the network.
	$(TOOLS)/bin/cargo-deny check advisories

$(TOOLS)/bin/cargo-deny:
	$(CARGO) install --quiet --locked --root $(TOOLS) cargo-deny@$(DENY_VERSION)

$(TOOLS)/bin/cargo-machete:
	$(CARGO) install --quiet --locked --root $(TOOLS) cargo-machete@$(MACHETE_VERSION)

# --- generate ---

# Without the clouds: what is generated does not depend on them, and their SDKs take minutes to compile.
.PHONY: generate
generate: ## Write the generated files: deploy/crds.
	$(CARGO) run --quiet -p landfall --no-default-features --features metal -- crds --dir deploy/crds

# Only for a newer revision: the table is in the repository. pip comes with moto's environment.
.PHONY: gcp-discovery
gcp-discovery: moto ## Write the table that the fake Compute Engine validates by, from Google's discovery document.
	$(MOTO)/bin/python -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
	  --dest $(TOOLS)/gcp-discovery -r tests/testkit/gcp/requirements.txt
	$(PYTHON) tests/testkit/gcp/reduce.py $(TOOLS)/gcp-discovery/google_api_python_client-*.whl >$(TOOLS)/compute.v1.json
	mv $(TOOLS)/compute.v1.json tests/testkit/gcp/compute.v1.json

# A test of landfall-api compares the files too; this one tries the command that people are told to run.
.PHONY: generated-current
generated-current: generate
	@git diff --exit-code --stat -- deploy/crds || { echo "deploy/crds was not current: commit what make generate wrote"; exit 1; }

# Every direct dependency is in the README's table, with its reason.
.PHONY: readme-current
readme-current:
	@awk '/^\[workspace.dependencies\]/ {on = 1; next} /^\[/ {on = 0} on && /^[a-z]/ {print $$1}' Cargo.toml | grep -v '^landfall-' | \
	  while read -r name; do grep -q "^| \`$$name\`" README.md || { echo "README.md: no row for dependency $$name"; exit 1; }; done

# --- bench ---

.PHONY: bench
bench: ## Measure: time to address, bursts, restarts, memory (BENCH_ARGS adds flags).
	$(CARGO) build --release -p landfall -p landfall-bench --no-default-features --features landfall/metal
	$(CARGO_TARGET_DIR)/release/landfall-bench --landfall $(CARGO_TARGET_DIR)/release/landfall $(BENCH_ARGS)
	$(CARGO) bench -p landfall-metal

.PHONY: bench-aws
bench-aws: moto ## Measure the AWS provider against moto: 1,000 Services, calls counted, not paced (BENCH_ARGS adds flags).
	$(CARGO) build --release -p landfall -p landfall-bench --features landfall-bench/aws
	LANDFALL_TEST_MOTO_PYTHON=$(MOTO)/bin/python \
	  $(CARGO_TARGET_DIR)/release/landfall-bench --landfall $(CARGO_TARGET_DIR)/release/landfall aws $(BENCH_ARGS)
