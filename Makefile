# What a person does here. `make help` lists it.

BIN := $(CURDIR)/target/$(shell uname -m)-unknown-linux-gnu/release
CARGO ?= cargo
# The tests judge the binaries that are shipped, not the debug ones.
WITH_BIN := OOMSHIM_BIN_DIR=$(BIN)

# What `lint` is measured beside.
VALIDATOR := $(CURDIR)/target/tools/oci-runtime-tool

export BIN DESTDIR PREFIX SYSCONFDIR

.PHONY: help
help: ## List what can be done
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build the three static binaries
	$(CARGO) build --release --locked --bins

.PHONY: demo
demo: build ## See who dies when memory runs out, without oomshim and with it (root)
	demo/demo $(BIN)

.PHONY: demo-guard
demo-guard: build tools ## See oomshim guard kill a job that grows, in the VM, with the picture of it
	VM_JOBS=1 integration/vm/run guard-demo
	@cp target/vm/files/guard-demo/spike.svg target/guard-demo.svg
	@cat target/vm/files/guard-demo/report.txt
	@echo "the same as a figure: target/guard-demo.svg"

.PHONY: install
install: ## Put what was built into place (DESTDIR, PREFIX=/usr/local, SYSCONFDIR=/etc)
	scripts/install

.PHONY: uninstall
uninstall: ## Take it away again; the policy stays
	scripts/install --remove

.PHONY: packages
packages: ## Make .deb, .rpm and tarballs for x86_64 and aarch64 (Debian, root for what it installs)
	packages/build

.PHONY: packages-check
packages-check: ## Judge them: lintian, rpmlint, a fresh root, the same bytes twice
	packages/check --rebuild

.PHONY: test
test: build ## Run the unit tests and the suites on real runtimes; installs what they need (root)
	integration/install
	$(WITH_BIN) $(CARGO) test --locked --no-fail-fast --lib --test integration
	$(CARGO) test --locked --doc

.PHONY: tools
tools: ## Build the engines that Debian has too old: buildkit, containerd, runc
	integration/tools/build

.PHONY: engine-test
engine-test: build tools ## Run real engines on this machine through the shim (root)
	integration/engines/install
	$(WITH_BIN) OOMSHIM_TOOLS_DIR=$(CURDIR)/target/tools/bin $(CARGO) test --locked --test engines

.PHONY: vm-helper
vm-helper: ## Build what scenarios of the VM kill jobs with
	$(CARGO) build --release --locked --example kill-job

.PHONY: vm-test
vm-test: build tools vm-helper ## Run out of memory for real, on a kernel of its own, with real engines
	python3 -m unittest discover --start-directory integration/vm/host
	integration/vm/run $(SCENARIO)

.PHONY: vm-test-long
vm-test-long: export VM_MIXES = 100
vm-test-long: export VM_SOAK = 1800
vm-test-long: build tools vm-helper ## Proofs of the guard that take two hours: 100 mixes of jobs, half an hour of a busy machine, idle jobs, collisions, zram, a livelock, faults
	integration/vm/run guard-innocents guard-soak guard-idle guard-collide guard-zram guard-own-limit guard-faults

.PHONY: vm-shell
vm-shell: build tools vm-helper ## A prompt in that VM
	integration/vm/shell

.PHONY: fuzz
fuzz: ## Fuzz everything that comes from outside (TARGET=all SECONDS=60 each, or RUNS=; Go is a second judge of the edit)
	fuzz/run $(if $(RUNS),--runs $(RUNS),--seconds $(or $(SECONDS),60)) $(TARGET)

.PHONY: bench
bench: build ## Measure shim, lint and rank, each beside what it is to be compared with (Go, for a validator)
	go -C benches/oci-runtime-tool build -o $(VALIDATOR) github.com/opencontainers/runtime-tools/cmd/oci-runtime-tool
	$(WITH_BIN) OCI_RUNTIME_TOOL=$(VALIDATOR) $(CARGO) bench --locked --bench process --bench lint --bench rank

.PHONY: check
check: ## Format, clippy and documentation, as CI wants them
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --document-private-items

.PHONY: mutants
mutants: ## Which changes of what decides no unit test notices (needs cargo-mutants; hours; ONLY=src/runtime/locate for a part)
	$(CARGO) mutants --jobs 1 --output target $(if $(ONLY),--re '$(ONLY)')

.PHONY: check-fast
check-fast: ## After an edit: whether it compiles and the unit tests hold, in seconds
	$(CARGO) check --locked --all-targets
	$(CARGO) test --locked --lib

.PHONY: docs
docs: ## Make a site of docs/ in target/docs (needs mdbook: `cargo install --locked mdbook`)
	mdbook build docs

.PHONY: deny
deny: ## Licences, sources and known holes of the dependencies (needs cargo-deny)
	$(CARGO) deny --locked check bans licenses sources

.PHONY: clean
clean: ## Remove what was built
	$(CARGO) clean
