# The images' names. `make images push deploy REGISTRY=registry.example.com/team TAG=v1` builds, pushes and installs one's own.
REGISTRY ?= validation-operator.local
TAG ?= dev
IMG ?= $(REGISTRY)/operator:$(TAG)
VALIDATOR_IMG ?= $(REGISTRY)/validator:$(TAG)

KUBECTL ?= kubectl
FUZZTIME ?= 30s
BENCH ?= .
COUNT ?= 5

SHELL := /usr/bin/env bash -o pipefail
.SHELLFLAGS := -ec
.DEFAULT_GOAL := help

# One build setting everywhere, so that all builds share their cache.
export CGO_ENABLED := 0
export GOFLAGS ?= -buildvcs=false

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/validation-operator
LINT_SOURCE := hack/lint/go.mod hack/lint/go.sum hack/lint/main.go
LINT := $(CACHE)/lint/$(shell (go env GOVERSION; cat $(LINT_SOURCE)) | sha256sum | cut -c1-12)/golangci-lint
CONTROLLER_GEN := go tool -modfile=$(CURDIR)/hack/tools/go.mod controller-gen
KUSTOMIZE := go tool -modfile=$(CURDIR)/hack/tools/go.mod kustomize
CLUSTER := go run -C hack/cluster .
IMAGES := go run -C hack/images .

# The phases' checks are tests as well, but of a cluster, in the validator image; here they are only compiled.
UNIT = $$(go list ./api/... ./cmd/... ./internal/... ./test/health ./test/corpus | grep -v -E '/internal/checks/(readiness|deployment|performance|conformance|snapshot|scripted)$$')
# The modules of hack that hold code of ours worth vetting, linting and testing; the others pin what others wrote.
TOOLS := hack/cluster hack/images

# Tests end in a line per package and leave their counts for the summary; -count=1 because a cluster is no input Go knows of.
TALLY := awk -f hack/tally.awk
SLOW := go test -v -timeout 30m -count=1

# The package that takes longest comes first, so that none is left to run alone; each has a control plane of its own, and mostly waits.
LONGEST := ./test/integration

.PHONY: help
help: ## Show this.
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ See it work

.PHONY: demo
demo: ## Start a local Kubernetes, install the operator, run a ValidationRun, show its report.
	@hack/demo.sh

.PHONY: down
down: ## Take the local Kubernetes down.
	$(CLUSTER) down --name $(or $(NAME),demo)

##@ Develop

.PHONY: generate
generate: ## Generate the DeepCopy methods of the API types.
	$(CONTROLLER_GEN) object paths=./api/...

.PHONY: manifests
manifests: ## Generate the CRD and the operator's ClusterRole.
	$(CONTROLLER_GEN) crd paths=./api/... output:crd:dir=config/crd/bases
	$(CONTROLLER_GEN) rbac:roleName=manager-role paths=./internal/controller/... output:rbac:dir=config/rbac

.PHONY: installer
installer: manifests ## Render config/default into config/install.yaml.
	$(KUSTOMIZE) build config/default >config/install.yaml

.PHONY: docs
docs: ## Generate the API's reference into api/README.md.
	hack/docs/reference.sh >api/README.md.new
	mv api/README.md.new api/README.md

.PHONY: fmt
fmt: $(LINT) ## Format the code and sort its imports.
	$(LINT) fmt ./...
	for m in $(TOOLS); do (cd $$m && $(LINT) fmt -c $(CURDIR)/.golangci.yml ./...); done

.PHONY: vet
vet: ## Run go vet on all code.
	go vet ./...
	for m in $(TOOLS) hack/lint; do go vet -C $$m ./...; done

.PHONY: lint
lint: vet $(LINT) ## Run golangci-lint with kube-api-linter.
	$(LINT) run ./...
	for m in $(TOOLS); do (cd $$m && $(LINT) run -c $(CURDIR)/.golangci.yml ./...); done

# The sources are in its path by their digest, so their times say nothing.
$(LINT): | $(LINT_SOURCE)
	@echo "Building golangci-lint, once for this version: some minutes."
	@mkdir -p $(@D)
	go build -C hack/lint -o $@.new .
	mv $@.new $@

.PHONY: verify
verify: ## Fail, with the difference, where generated files or go.mod files are not up to date.
	@hack/verify.sh

.PHONY: build
build: ## Build the operator into bin/.
	go build -o bin/operator ./cmd

.PHONY: run
run: install ## Run the operator here, against the current kubeconfig.
	go run ./cmd --metrics-bind-address=0

##@ Test

.PHONY: test
test: ## Run everything below, verify and lint included.
	@hack/test.sh verify lint unit integration+faults e2e

.PHONY: unit
unit: ## Run the tests that need nothing.
	@go test -v $(UNIT) 2>&1 | $(TALLY)
	@for m in $(TOOLS) test/monitoring test/peers; do go test -C $$m -count=1 -v ./... 2>&1 | $(TALLY); done

.PHONY: integration
integration: ## Run the tests that need a control plane, with a scripted kubelet.
	@echo "Building kube-apiserver, kube-controller-manager and etcd, unless they are cached: some minutes the first time."
	@echo "Packages are tested two at a time, and each is told of as a whole: the first takes some minutes."
	@assets=$$($(CLUSTER) assets); \
	KUBEBUILDER_ASSETS=$$assets $(SLOW) -p 2 $(LONGEST) $$(go list ./test/... ./internal/checks/fleet ./internal/checks/scripted | grep -v -E '/test/(e2e|health|corpus|faults)') 2>&1 | $(TALLY)

.PHONY: faults
faults: ## Run the faults of a control plane: outages, lost answers, stale caches, lost leases.
	@assets=$$($(CLUSTER) assets); \
	KUBEBUILDER_ASSETS=$$assets $(SLOW) ./test/faults 2>&1 | $(TALLY)

.PHONY: e2e
e2e: ## Run the tests that need a real kubelet, in a local cluster of their own.
	@echo "Building the images, and Kubernetes unless it is cached, and starting a cluster for the tests."
	@$(IMAGES) build --checks e2e=test/e2e/testdata/checks
	@$(CLUSTER) run --name e2e --ephemeral -- $(MAKE) --no-print-directory e2e-suite

.PHONY: e2e-suite
e2e-suite: # the part of e2e that has a cluster
	@$(CLUSTER) load --name "$$VO_CLUSTER" bin/images/operator.tar bin/images/validator.tar bin/images/e2e.tar
	@$(SLOW) ./test/e2e 2>&1 | $(TALLY)

.PHONY: fuzz
fuzz: ## Fuzz each fuzz target for FUZZTIME.
	@for target in $$(grep -r --include='*_test.go' -E -o '^func Fuzz\w+' api internal | sed 's|/[^/]*:func |:|'); do \
	  echo "$$target"; go test -run='^$$' -fuzz="^$${target#*:}$$" -fuzztime=$(FUZZTIME) ./$${target%:*}; \
	done

.PHONY: bench
bench: ## Run the benchmarks that match BENCH, COUNT times, for benchstat.
	go test -run='^$$' -bench='$(BENCH)' -benchmem -count=$(COUNT) $(UNIT)

.PHONY: bench-controller
bench-controller: ## Run the operator's benchmarks beside bare Jobs, on a control plane of their own.
	KUBEBUILDER_ASSETS=$$($(CLUSTER) assets) go test -run='^$$' -bench='$(BENCH)' -timeout=0 ./test/benchmark

.PHONY: bench-streams
bench-streams: ## Follow 500 logs at once, each of 4 MB over a minute, and hold the operator's memory afterwards against that before.
	KUBEBUILDER_ASSETS=$$($(CLUSTER) assets) go test -run='^TestStreams$$' -v -count=1 -timeout=0 ./test/benchmark \
	  -streams=500 -stream-bytes=4000000 -stream-time=1m

##@ Images and installation

.PHONY: images
images: ## Build both images: with Docker where it runs, else into bin/images.
	@if docker info >/dev/null 2>&1; then \
	  docker build --target operator -t $(IMG) . && docker build --target validator -t $(VALIDATOR_IMG) .; \
	else \
	  $(IMAGES) build --operator $(IMG) --validator $(VALIDATOR_IMG) --out $(CURDIR)/bin/images; \
	fi

.PHONY: push
push: ## Push both images to REGISTRY.
	@if docker info >/dev/null 2>&1; then \
	  docker push $(IMG) && docker push $(VALIDATOR_IMG); \
	else \
	  $(IMAGES) push --operator $(IMG) --validator $(VALIDATOR_IMG); \
	fi

.PHONY: install
install: ## Install the CRD into the current kubeconfig's cluster.
	$(KUBECTL) apply --server-side -k config/crd

.PHONY: uninstall
uninstall: ## Remove the CRD, and with it all ValidationRuns.
	$(KUBECTL) delete --ignore-not-found -k config/crd

.PHONY: deploy
deploy: ## Install the operator, as IMG, into the current kubeconfig's cluster.
	mkdir -p bin/deploy
	echo 'resources: [../../config/default]' >bin/deploy/kustomization.yaml
	cd bin/deploy && $(KUSTOMIZE) edit set image ghcr.io/validation-operator/operator=$(IMG)
	$(KUSTOMIZE) build bin/deploy | $(KUBECTL) apply --server-side -f -

.PHONY: undeploy
undeploy: ## Remove the operator, the CRD and all ValidationRuns.
	$(KUBECTL) delete --ignore-not-found -k config/default
