# vconduit: `make help` lists the targets.
# Third-party packages are built without the race detector: SQLite is 13 times slower under it and not ours to check.
RACE := -race -gcflags=modernc.org/...=-race=false -gcflags=github.com/tetratelabs/wazero/...=-race=false -gcflags=github.com/aws/...=-race=false
PKG  ?= ./...
GO   ?= go

.PHONY: help test
help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

t: ## quick race test of one package: make t PKG=./vcon
	$(GO) test $(RACE) $(PKG)
