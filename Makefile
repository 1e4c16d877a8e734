# vconduit: `make help` lists the targets.
#
# One build mode for tests, vet and the binary that tests start: with the race detector, but not inside third-party
# packages that are slow under it and not ours to check (SQLite takes 13 times as long).
RACE      := -race -gcflags=modernc.org/...=-race=false
GO        ?= go
PKG       ?= ./...
FUZZTIME  ?= 20s
BENCHTIME ?= 1s
TOOL      := $(GO) tool -modfile=tools/go.mod

.PHONY: help build check fmt vet lint tidy generated seeds guests test t cover bench fuzz demo clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

build: ## bin/vconduit, static
	CGO_ENABLED=0 $(GO) build -trimpath -tags grpcnotrace -ldflags=-w -o bin/vconduit ./cmd/vconduit

demo: ## start a server on the embedded store, post vCons, show what became of them
	$(GO) run ./cmd/vconduit demo

check: fmt vet lint tidy generated seeds ## format, vet, staticcheck, go.mod, generated files, import rules, fuzz seeds

fmt:
	@out=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$out" || { echo "not formatted (gofmt -w):"; echo "$$out"; exit 1; }

vet:
	$(GO) vet $(RACE) ./...
	GOOS=wasip1 GOARCH=wasm $(GO) vet ./sdk/go

lint:
	$(TOOL) staticcheck ./...

tidy:
	$(GO) mod tidy -diff
	cd tools && $(GO) mod tidy -diff
	cd test/s3gw && $(GO) mod tidy -diff

generated: ## docs and tables made from code are what the code would make
	$(GO) generate ./...
	@git diff --exit-code --stat -- docs api config hostabi sdk runtime || { echo "generated files differ: commit what go generate made"; exit 1; }
	$(GO) test ./test/rules

seeds:
	$(GO) test $(RACE) -run '^Fuzz' ./...

guests: ## every guest from its source, into bin/guests; the committed ones must come out the same
	@GO="$(GO)" sh test/guests.sh

test: ## all tests, with the race detector (VCONDUIT_TEST_REQUIRE=1: nothing may be skipped)
	@GO="$(GO)" RACE="$(RACE)" PKG="$(PKG)" sh test/run.sh

t: ## quick race test of one package: make t PKG=./vcon
	$(GO) test $(RACE) $(PKG)

cover: ## coverage of the core packages, each on its own
	@for p in vcon queue/... config hostabi/... runtime/... api; do $(GO) test -cover -coverpkg=./$$p ./$$p | grep -v 'no test files'; done

bench: ## benchmarks, as ratios of one run (BENCHTIME=3s for steadier figures)
	$(GO) test -run '^$$' -bench . -benchtime $(BENCHTIME) -benchmem ./vcon ./queue/embedded ./runtime/worker ./api ./runtime/wasm/... ./builtin/... ./modules/examples/keywords ./internal/app
	$(GO) run ./test/bench

fuzz: ## every fuzz target for FUZZTIME
	@set -e; for p in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz' || true); do \
	    echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$p; \
	  done; done

clean: ## remove what was built
	rm -rf bin data
