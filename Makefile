# The commands developers type. CI runs .ci/run.
GO ?= go

.PHONY: build test race lint fuzz clients isa bench ci

build:
	$(GO) build -tags nomsgpack -trimpath -o bin/graft .

test:
	$(GO) test ./...

race lint fuzz clients isa:
	.ci/run $@

# make bench PKG=./internal/kernel RUN=MatMul > new.txt; benchstat old.txt new.txt
PKG ?= ./...
RUN ?= .
bench:
	$(GO) test -run '^$$' -bench '$(RUN)' -benchmem -count 6 $(PKG)

ci:
	.ci/run
