#!/usr/bin/env bash
# Fails, and prints the difference, where a generated file is not what its source gives, or a go.mod not what `go mod tidy` leaves.
# It writes nothing into the tree and needs no git.
set -euo pipefail
cd "$(dirname "$0")/.."

tool() { go tool -modfile="$PWD/hack/tools/go.mod" "$@"; }

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
stale=0

# same TREE FRESH COMMAND: the file of the tree is what COMMAND would write.
same() {
	if ! diff -u --label "$1" --label "$1 (after: $3)" "$1" "$2"; then
		stale=1
		echo "verify: $1 is out of date: run $3" >&2
	fi
}

tool controller-gen object paths=./api/... output:dir="$fresh/object"
tool controller-gen crd paths=./api/... output:dir="$fresh/crd"
tool controller-gen rbac:roleName=manager-role paths=./internal/controller/... output:dir="$fresh/rbac"
same api/v1alpha1/zz_generated.deepcopy.go "$fresh/object/zz_generated.deepcopy.go" "make generate"
for file in "$fresh"/crd/*; do
	same "config/crd/bases/${file##*/}" "$file" "make manifests"
done
same config/rbac/role.yaml "$fresh/rbac/role.yaml" "make manifests"

hack/docs/reference.sh >"$fresh/README.md"
same api/README.md "$fresh/README.md" "make docs"

tool kustomize build config/default >"$fresh/install.yaml"
same config/install.yaml "$fresh/install.yaml" "make installer"
for overlay in config/local config/samples config/gitops/{run,argocd,argocd/run,argocd/hook,flux,flux/run}; do # not checked in as rendered, but they have to render
	[ ! -f "$overlay/kustomization.yaml" ] || tool kustomize build "$overlay" >/dev/null
done

for mod in go.mod hack/*/go.mod test/*/go.mod; do
	dir=$(dirname "$mod")
	if ! go mod tidy -C "$dir" -diff; then
		stale=1
		echo "verify: $mod is out of date: run go mod tidy -C $dir" >&2
	fi
done

exit "$stale"
