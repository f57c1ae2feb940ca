# What a person does here. `make help` lists it.

TARGET := x86_64-unknown-linux-gnu
ifeq ($(shell uname -m),aarch64)
TARGET := aarch64-unknown-linux-gnu
endif
BIN := target/$(TARGET)/release
CARGO ?= cargo
# Static and at a fixed address: no dynamic linker and no relocations on the way to the runtime, and nothing that a
# host's libraries could change. `--target` keeps these flags away from build scripts and procedural macros.
STATIC := RUSTFLAGS="-C target-feature=+crt-static -C relocation-model=static"

export DESTDIR PREFIX SYSCONFDIR

.PHONY: help
help: ## List what can be done
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build the three static binaries
	$(STATIC) $(CARGO) build --release --locked --bins --target $(TARGET)

.PHONY: unit
unit: ## Run the tests that need no runtime
	$(CARGO) test --locked --lib
	$(CARGO) test --locked --doc

.PHONY: clean
clean: ## Remove what was built
	$(CARGO) clean
