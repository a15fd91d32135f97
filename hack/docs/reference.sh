#!/usr/bin/env bash
# Prints api/README.md as it should be: its written part as it is, and after it the reference, generated from the types.
set -euo pipefail
cd "$(dirname "$0")/../.."

reference=$(mktemp)
trap 'rm -f "$reference"' EXIT
go tool -modfile="$PWD/hack/tools/go.mod" crd-ref-docs --log-level=ERROR --renderer=markdown --config=hack/docs/config.yaml \
	--templates-dir=hack/docs/templates --source-path=api/v1alpha1 --output-path="$reference" >&2
sed '/^<!-- What follows is generated/q' api/README.md
cat "$reference"
