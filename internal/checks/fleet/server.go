package fleet

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes"

	"github.com/validation-operator/validation-operator/internal/checks/constraint"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
)

// serverVersion is the constraint on the API server's version, and the name under which that is measured.
const serverVersion = "K8s.server.version"

// ServerHealth asks the API server whether it is ready, by each of the checks that it makes of itself.
func ServerHealth(ctx context.Context, client kubernetes.Interface) finding.Finding {
	var f finding.Finding
	body, err := client.Discovery().RESTClient().Get().AbsPath("/readyz").Param("verbose", "").DoRaw(ctx)
	if apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) {
		f.Refused("get /readyz", err)
		return f
	}
	var failing []string
	passing, concluded := 0, false
	for line := range strings.Lines(string(body)) {
		switch line = strings.TrimSpace(line); {
		case strings.HasPrefix(line, "[+]"):
			passing++
		case strings.HasPrefix(line, "[-]"):
			failing = append(failing, line)
		case line == "readyz check passed":
			concluded = true
		}
	}
	f.Note("the API server passes %d of its own checks", passing)
	switch {
	case len(failing) > 0:
		f.Fail("the API server to be ready", strings.Join(failing, "; "), "look into its log for these checks")
	case err != nil:
		f.Fail("the API server to say that it is ready", err.Error(), "see that it runs, and its log")
	case passing == 0 || !concluded:
		f.Fail("the API server to list its own checks and to conclude that they pass", fmt.Sprintf("%q", body),
			"see whether something between the validator and the API server answers in its place")
	}
	return f
}

// ServerVersion judges the API server's version by all of the recipe's constraints on it.
func ServerVersion(ctx context.Context, client kubernetes.Interface, stated []constraint.Constraint) finding.Finding {
	var f finding.Finding
	var demanded []constraint.Constraint
	for _, c := range stated {
		if c.Name == serverVersion {
			demanded = append(demanded, c)
		}
	}
	if len(demanded) == 0 {
		f.NotApplicable("the recipe has no constraint %s", serverVersion)
		return f
	}
	version, ok := versionOf(ctx, client, &f)
	if !ok {
		return f
	}
	for _, c := range demanded {
		holds, err := constraint.HoldsForVersion(c.Value, version)
		if err != nil {
			f.CouldNotRun("%s: %v. To mend: correct the recipe", c, err)
			continue
		}
		f.Constraints = append(f.Constraints, constraint.Outcome{
			Constraint: c, Actual: version, Holds: holds, Mend: "bring the control plane to a version that the recipe allows",
		})
	}
	return f
}

func versionOf(ctx context.Context, client kubernetes.Interface, f *finding.Finding) (string, bool) {
	info, err := client.Discovery().ServerVersionWithContext(ctx)
	if err != nil {
		f.Refused("get /version", fmt.Errorf("asking the API server for its version: %w", err))
		return "", false
	}
	return info.GitVersion, true
}
