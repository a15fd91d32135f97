#!/usr/bin/env bash
# The main job, from nothing to a report: a local Kubernetes, the operator in it, a ValidationRun, its result on the screen.
set -euo pipefail
cd "$(dirname "$0")/.."

name=${NAME:-demo}
run=cluster-check namespace=aicr-validation
bold='' dim='' plain=''
if [ -t 1 ]; then bold=$'\033[1m' dim=$'\033[2m' plain=$'\033[0m'; fi
say() { printf '\n%s==> %s%s\n' "$bold" "$*" "$plain"; }
show() {
	printf '%s$ %s%s\n' "$dim" "$*" "$plain"
	"$@"
}
cluster() { bin/cluster "$@"; }
# compile FOLDER says every 50 packages that it goes on; what go itself has to say has spaces in it.
compile() {
	local folder=$1 line n=0
	shift
	go build -C "$folder" -v "$@" 2>&1 | while IFS= read -r line; do
		if [[ $line == *[[:space:]]* ]]; then
			printf '%s\n' "$line"
		elif ((++n % 50 == 0)); then
			printf '          %d packages compiled\n' "$n"
		fi
	done
}
# changes shows the lines of a watch in which status, counts or phase differ from those of the line before. (awk may read ahead.)
changes() {
	local line last='' status passed phase
	while IFS= read -r line; do
		read -r _ status passed phase _ <<<"$line"
		if [ "$status $passed $phase" != "$last" ]; then printf '%s\n' "$line"; fi
		last="$status $passed $phase"
	done
}

say "A local Kubernetes (built from source the first time: about 15 minutes on two cores; then seconds)"
compile hack/cluster -o ../../bin/cluster .
cluster up --name "$name"
eval "$(cluster env --name "$name")"

say "The operator's and the validator's images, built from this tree and loaded without a registry (some minutes the first time)"
compile . -o /dev/null ./cmd
go run -C hack/images . build
cluster load --name "$name" bin/images/operator.tar bin/images/validator.tar

say "The operator, installed"
operator=deployment/validation-operator-controller-manager
before=$(kubectl -n validation-operator-system get --ignore-not-found $operator -o name 2>/dev/null)
show kubectl apply --server-side -k config/local
if [ -n "$before" ]; then # the image may be a new one under the old name
	show kubectl -n validation-operator-system rollout restart $operator
fi
show kubectl -n validation-operator-system rollout status $operator --timeout=5m

say "A ValidationRun of a recipe, applied and watched"
kubectl delete --ignore-not-found validationrun/$run -n $namespace >/dev/null 2>&1 || true
show kubectl apply -k config/samples/demo
kubectl get validationruns -n $namespace -w > >(changes) &
watch=$!
trap 'kill $watch 2>/dev/null || true' EXIT
kubectl wait -n $namespace --for=condition=Complete --timeout=15m validationrun/$run >/dev/null
sleep 1 # the watch may be a moment behind
kill $watch 2>/dev/null || true
wait $watch 2>/dev/null || true
trap - EXIT

say "Its report"
result=$(kubectl get validationrun/$run -n $namespace -o jsonpath='{.status.results[0].configMap}')
kubectl get configmap "$result" -n $namespace -o jsonpath='{.data.result\.yaml}'

say "In short"
show kubectl get validationruns -n $namespace -o wide
cat <<TEXT

The cluster is yours to try more:
  eval "\$(go run -C hack/cluster . env --name $name)"
  kubectl describe validationrun/$run -n $namespace
  kubectl explain validationrun.spec
To take it down, leaving nothing: NAME=$name make down
TEXT
[ "$(kubectl get validationrun/$run -n $namespace -o jsonpath='{.status.verdict}')" = Passed ]
