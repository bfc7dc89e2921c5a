# RMP: what a person types. `make help` lists it.
SHELL := /bin/bash
GO ?= go
FUZZTIME ?= 10s
DATA ?= data
LISTEN ?= 127.0.0.1:8080

.PHONY: help run build web test lint guard gen fuzz bench load e2e check release release-check clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 15

run: web build ## build all and start RMP with its demo
	bin/rmp serve --data $(DATA) --listen $(LISTEN)

build: ## build bin/rmp
	@echo "building bin/rmp (the first time takes a minute or two) …"
	@mkdir -p bin
	$(GO) build -o bin/rmp ./cmd/rmp

web: web/dist/index.html ## build the browser app into web/dist

web/dist/index.html: $(shell find web/src web/index.html web/package.json web/package-lock.json web/vite.config.ts -type f 2>/dev/null)
	cd web && npm ci --no-audit --no-fund && npm run build

test: web ## run the whole suite
	$(GO) vet ./...
	$(GO) test -race -timeout 10m ./...
	cd web && npm run check && npm test

lint: ## format, vet, golangci-lint (.golangci.yml)
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(GO) tool -modfile=tools/lint/go.mod golangci-lint run ./...

gen: ## write docs/openapi.yaml and docs/commands.md anew
	$(GO) run ./cmd/rmp openapi > docs/openapi.yaml
	$(GO) run ./cmd/rmp reference > docs/commands.md

fuzz: ## fuzz every parser for FUZZTIME each
	@set -e; for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "fuzz $$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x $$pkg; done; done

bench: build ## run the benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./...
	cd web && npm run bench

load: build ## show what too much load does
	$(GO) run ./bench/load

e2e: web build ## whole-program tests, browser included
	$(GO) test -tags e2e -count=1 -timeout 10m ./e2e/...
	cd web && npm run e2e

check: lint test e2e ## all of it

release: VERSION ?= $(shell git describe --tags --always --dirty)
release: web ## static programs for Linux, archives, checksums, bills of materials in bin/release: make release VERSION=1.2.3
	$(GO) run ./tools/release -version "$(VERSION)" -out bin/release

release-check: ## make the release of this commit twice, in different places, and compare every byte
	tools/release/check.sh $(VERSION)

clean: ## remove what was built
	rm -rf bin web/dist/assets web/dist/index.html web/node_modules
