# SPDX-License-Identifier: AGPL-3.0-or-later
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# Where the demo listens; on the command line: make demo DEMO_HTTPS=9443
export DEMO_HTTPS ?= 8443
export DEMO_HTTP ?= 8080
export DEMO_DNS ?= 5453
export DEMO_CONSOLE ?= 8420
export DEMO_DESK ?= 8430
export DEMO_BEGAN := $(shell date +%s)

MACHINE := installer/devmachine.sh
DEMO := internal/tools/demo/demo.sh
# The program, and tools that are no part of it.
MODULES := . internal/tools/bench
LINT_VERSION := v2.15.0
LINT := .cache/golangci-lint-$(LINT_VERSION)/golangci-lint

# Static, so that the one file runs on any Linux; SQLite is C, so the C library is in it too.
# The version comes from git where there is one.
TAGS := netgo,osusergo,sqlite_omit_load_extension
VCS := $(shell git rev-parse HEAD >/dev/null 2>&1 && echo true || echo false)
BUILD := CGO_ENABLED=1 go build -trimpath -buildvcs=$(VCS) -tags $(TAGS) -ldflags '-s -w -linkmode external -extldflags -static'

##@ To use it
.PHONY: help demo demo-down demo-clean
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

demo: ## From a bare Debian machine to WordPress at www.demo.coop (needs root)
	@$(MACHINE) packages demo
	@$(MACHINE) engine .demo
	@$(MAKE) --no-print-directory build
	@$(DEMO) up

demo-down: ## Remove all that the demo made; images stay as a cache
	@$(DEMO) down
	@$(MACHINE) engine-stop .demo
	@rm -rf .demo

demo-clean: ## The same, and remove the images too
	@$(DEMO) clean
	@$(MACHINE) engine-stop .demo
	@rm -rf .demo

# A browser gives up what it loads whenever the engine makes a network, so the
# journeys go alone, after the others.
TEST := CI=true go test -race -shuffle=on -timeout 30m -json

##@ To work on it
.PHONY: build check packages test chaos catalogue lint fmt gen pictures fuzz bench
build: ## Build bin/coopkit
	@$(BUILD) -o bin/coopkit ./cmd/coopkit

check: $(LINT) ## The quick look while you work: format, vet, lint, tests without engine, browser and other servers
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not formatted; run: make fmt"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	@$(LINT) run ./...
	@go test -short ./... | grep -v -e '(cached)$$' -e 'no test files'

packages: ## Make the packages of every architecture in dist/
	@$(MACHINE) packages packages
	@rm -rf dist
	@installer/packages.sh dist

test: ## Install what the tests need and run every check and test
	@$(MACHINE) packages test
	@$(MACHINE) axe .cache/axe
	@$(MACHINE) mta .cache/exim
	@$(MACHINE) engine .cache
	@$(MAKE) --no-print-directory lint
	@mkdir -p .cache
	@go build -o .cache/testcount ./internal/tools/testcount
	@failed=0; { \
		$(TEST) -p 2 $$(go list ./... | grep -v '/internal/tools/journey$$') || failed=1; \
		(cd internal/tools/bench && $(TEST) ./...) || failed=1; \
		$(TEST) ./internal/tools/journey || failed=1; \
		exit $$failed; } | .cache/testcount | tee .cache/test.log

chaos: ## Kill every kind of job at every point, and have each of its writes fail
	@$(MACHINE) packages test
	@$(MACHINE) engine .cache
	@CI=true COOPKIT_CHAOS=1 go test ./appliance/jobs ./appliance/apps ./appliance/agent -count=1 -timeout 120m -run survive

RECIPES ?= all
catalogue: ## Try every recipe for real; some: make catalogue RECIPES=wordpress,dokuwiki
	@$(MACHINE) packages test
	@$(MACHINE) engine .cache
	@CI=true go test ./appliance/agent -count=1 -timeout 120m -v -run TestCatalogue -recipes '$(RECIPES)'

lint: $(LINT) ## go vet, golangci-lint, shellcheck, formatting, go.mod
	@for module in $(MODULES); do (cd $$module && go vet ./... && $(CURDIR)/$(LINT) run ./... && go mod tidy -diff) || exit 1; done
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not formatted; run: make fmt"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	@shellcheck .ci/run $$(git ls-files '*.sh')

fmt: $(LINT) ## Format the Go code
	@$(LINT) fmt ./...

gen: ## Write again the pages and golden files that are made from code
	@grep -rl --include='*_test.go' 'flag.Bool("update"' . | xargs -n 1 dirname | sort -u | xargs -I{} go test {} -update

pictures: ## Take the pictures of the documentation again, in a browser
	@$(MACHINE) packages test
	@$(MACHINE) axe .cache/axe
	@$(MACHINE) engine .cache
	@CI=true go test ./internal/tools/journey -count=1 -run 'TestSteward_goesTheWholeWay/^mouse$$' -pictures

FUZZTIME ?= 30s
fuzz: ## Fuzz every parser, FUZZTIME (30s) each
	@go list -f '{{.Dir}}' ./... | while read -r dir; do \
		{ grep -ho '^func Fuzz[A-Za-z0-9_]*' "$$dir"/*_test.go 2>/dev/null || true; } | cut -c 6- | while read -r target; do \
			echo "$$dir $$target"; go test "$$dir" -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME); \
		done; \
	done

SECTION ?=
bench: ## Compare speed and memory with others (needs root); one part: make bench SECTION=web
	@$(MACHINE) packages bench
	@$(MACHINE) lighthouse .cache/lighthouse
	@$(MACHINE) engine .cache
	@$(MAKE) --no-print-directory build
	@go build -C internal/tools/bench -o $(CURDIR)/.cache/bench .
	@.cache/bench -section '$(SECTION)'

$(LINT):
	@echo "building golangci-lint $(LINT_VERSION)"
	@GOBIN=$(CURDIR)/$(@D) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
