# Every target says what it does: `make help`.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Where `make run` and `make demo` keep everything, and where they answer.
DATA ?= .candor
DEMO ?= .candor-demo
HTTP ?= 127.0.0.1:8080
# The version of the images that `make images` builds.
TAG ?= dev

# Queries are checked against committed data; `make sqlx` renews them, `make check` compares them.
export SQLX_OFFLINE := true
TESTBED := target/debug/testbed

.PHONY: help run demo test test-full bench check sqlx fmt protos clippy architecture queries manifests deny doc images

help: ## Lists what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

run: ## Builds and starts everything in one process; data stays in .candor; Ctrl-C stops it (DATA=, HTTP=)
	@.ci/need cargo cc
	@echo "Building Candor (the first time this takes some minutes)."
	@cargo build --package candor
	@exec target/debug/candor run --data $(DATA) --http $(HTTP)

demo: ## As run, with two made-up people and eight weeks of their life, clearly marked (DEMO=, HTTP=)
	@.ci/need cargo cc
	@echo "Building Candor (the first time this takes some minutes)."
	@cargo build --package candor
	@exec target/debug/candor demo --data $(DEMO) --http $(HTTP)

test: ## Runs every test beside a private PostgreSQL and RabbitMQ, which it starts and stops
	@.ci/need cargo cc python3-venv
	cargo build --workspace --bins --tests
	$(TESTBED) run -- .ci/tests

test-full: ## As test, and everything slow as well
	@.ci/need cargo cc python3-venv
	cargo build --workspace --bins --tests
	CANDOR_TEST_FULL=1 $(TESTBED) run -- .ci/tests --run-ignored all
	.ci/web

bench: ## Measures this machine with Candor and without, in turns (QUICK=1, ONLY=append,echo ROUNDS=3 EACH=5 JSON=FILE)
	@.ci/need cargo cc h2load npm python3-venv
	cargo build --release --workspace --bins
	target/release/bench $(if $(QUICK),--rounds 1 --seconds 2) $(if $(ONLY),--only $(ONLY)) \
		$(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(EACH),--seconds $(EACH)) $(if $(JSON),--json $(abspath $(JSON)))

check: fmt protos clippy architecture queries manifests deny doc ## Formatting, lints, protos, the rules of the house, queries, manifests, dependencies, documentation

images: ## Builds a container image for each program, candor/NAME:TAG (TAG=)
	@deploy/images $(TAG)

sqlx: ## Writes the offline data of every query, from the migrations (CRATES="journal …" for some)
	@.ci/need cargo cc
	cargo build --package candor-tests --bin testbed
	$(TESTBED) sqlx $(CRATES)

fmt:
	@.ci/need cargo
	cargo fmt --all --check

protos: # lint, and no breaking change against what others may use already
	@.ci/need npm
	.ci/protos

clippy:
	@.ci/need cargo cc
	cargo clippy --workspace --all-targets --quiet -- -D warnings

# --workspace here and above, so that every step sees the same features and shares what is built.
architecture:
	cargo test --workspace --test architecture

queries: clippy architecture
	$(TESTBED) sqlx --check

manifests: # what is in deploy/: known to Kubernetes, and by the rules of tests/deploy
	.ci/manifests
	cargo test --workspace --test deploy

deny: # licences, sources and kinds of what is depended on
	@.ci/need cargo
	.ci/deny

doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
