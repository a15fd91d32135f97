package finding

import (
	"context"
	"errors"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Unmet is the error of what the check itself needs and does not have, such as its own pod. It says nothing about the cluster.
type Unmet struct{ Err error }

// Error is the error's own text.
func (u Unmet) Error() string { return u.Err.Error() }

// Unwrap is the error.
func (u Unmet) Unwrap() error { return u.Err }

// turnedDown are the words with which those who guard a namespace turn a request down, whatever the code: a webhook that gives none has
// 400, a policy 422, and quotas have the 403 of a missing right. They do their duty, and the cluster is none the worse for it.
var turnedDown = []struct {
	words []string
	mend  string
}{
	{[]string{"denied the request", "denied request"},
		"exempt the run's namespace or its ServiceAccount in that policy for as long as the cluster is validated"},
	{[]string{"does not support dry run"}, "declare in that webhook's sideEffects that it has none on dry runs, or exempt the run's namespace"},
	{[]string{"exceeded quota", "insufficient quota"}, "raise that ResourceQuota of the run's namespace, or remove what uses it up"},
	{[]string{"failed quota"}, "have a LimitRange of the run's namespace fill in what that ResourceQuota asks for"},
	{[]string{"usage per", "limit to request ratio per"},
		"let the LimitRange of the run's namespace admit it, or run in a namespace without one"},
	{[]string{"security context constraint"},
		"let the run's ServiceAccount use one of the SecurityContextConstraints that admit it, such as nonroot-v2"},
	{[]string{"violates PodSecurity"},
		"see what changes pods before they are admitted, and that the run's podSecurityContext is within the level of its namespace"},
	{[]string{"being terminated"}, "run in a namespace that stays"},
}

// Refused keeps the error of a request. One that the validator has no right to make, that somebody turns down who may, or that the
// check's own time cuts off says nothing about the cluster; any other is the cluster's. right names the right, as in "list nodes in the
// cluster".
func (f *Finding) Refused(right string, err error) {
	var unmet Unmet
	mend := mendOf(err)
	switch {
	case mend != "":
		f.CouldNotRun("%v. To mend: %s", err, mend)
	case apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err):
		f.CouldNotRun("%v. To mend: give the run's ServiceAccount the right to %s", err, right)
	case errors.As(err, &unmet):
		f.CouldNotRun("the check lacks what it needs: %v", err)
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled):
		f.CouldNotRun("its time was up before there was an answer: %v. To mend: see what the API server or the network is busy with, "+
			"and run it again", err)
	default:
		f.Fail("the API server to let the validator "+right, err.Error(), "look into the API server's log for the request")
	}
}

// mendOf says how to mend that a request was turned down; empty if it was not.
func mendOf(err error) string {
	// A webhook that does not answer has turned nothing down, whatever its own text says.
	text, _, _ := strings.Cut(err.Error(), "failed calling webhook")
	for _, t := range turnedDown {
		if slices.ContainsFunc(t.words, func(word string) bool { return strings.Contains(text, word) }) {
			return t.mend
		}
	}
	return ""
}
