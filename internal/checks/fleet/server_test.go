package fleet

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/validation-operator/validation-operator/internal/checks/constraint"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
)

// server is an API server that has one answer.
func server(t *testing.T, status int, body string) kubernetes.Interface {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(s.Close)
	client, err := kubernetes.NewForConfig(&rest.Config{Host: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

const forbidden = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"no rule"}`

func TestServerHealth(t *testing.T) {
	tests := map[string]struct {
		status int
		body   string
		skip   finding.Skip
		words  []string
	}{
		"ready":     {status: 200, body: "[+]ping ok\n[+]etcd ok\nreadyz check passed\n"},
		"not ready": {status: 500, body: "[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n", words: []string{"[-]etcd failed"}},
		"a failure that is called ready": {status: 200, body: "[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check passed\n",
			words: []string{"[-]etcd failed"}},
		"no conclusion":       {status: 200, body: "[+]ping ok\n", words: []string{"to conclude", "in its place"}},
		"no checks":           {status: 200, body: "ok", words: []string{"to list its own checks"}},
		"no answer":           {status: 502, body: "bad gateway", words: []string{"to say that it is ready"}},
		"without the right":   {status: 403, body: forbidden, skip: finding.CouldNotRun, words: []string{"the right to get /readyz"}},
		"nobody is let in":    {status: 401, body: "", skip: finding.CouldNotRun, words: []string{"the right to get /readyz"}},
		"a page in its place": {status: 200, body: "<html>", words: []string{"in its place"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			wantFinding(t, ServerHealth(t.Context(), server(t, tt.status, tt.body)), tt.skip, tt.words...)
		})
	}
}

func TestServerVersion(t *testing.T) {
	demands := func(values ...string) []constraint.Constraint {
		all := []constraint.Constraint{{Name: "OS.release.ID", Value: "ubuntu"}}
		for _, value := range values {
			all = append(all, constraint.Constraint{Name: serverVersion, Value: value, Severity: constraint.Error, Line: 1})
		}
		return all
	}
	const version = `{"major":"1","minor":"37","gitVersion":"v1.37.1"}`
	tests := map[string]struct {
		status int
		body   string
		stated []constraint.Constraint
		skip   finding.Skip
		words  []string
	}{
		"as demanded":              {200, version, demands(">= 1.36"), "", nil},
		"too old":                  {200, version, demands(">= 1.38"), "", []string{">= 1.38"}},
		"too old for the second":   {200, version, demands(">= 1.36", ">= 1.38"), "", []string{">= 1.38"}},
		"nothing is demanded":      {200, version, demands(), finding.NotApplicable, []string{"no constraint"}},
		"a demand that is vague":   {200, `{"gitVersion":"v1.37"}`, demands(">= 1.37.1"), finding.CouldNotRun, []string{"does not tell"}},
		"a version that is none":   {200, `{"gitVersion":"latest"}`, demands(">= 1.37.1"), finding.CouldNotRun, []string{"is no version"}},
		"no version":               {200, `{}`, demands(">= 1.37.1"), finding.CouldNotRun, []string{"is no version"}},
		"without the right":        {403, forbidden, demands(">= 1.36"), finding.CouldNotRun, []string{"the right to get /version"}},
		"an API server that fails": {500, "", demands(">= 1.36"), "", []string{"asking the API server for its version"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := ServerVersion(t.Context(), server(t, tt.status, tt.body), tt.stated)
			for _, o := range f.Constraints {
				if !o.Holds {
					f.Problems = append(f.Problems, finding.Problem{Expected: o.Constraint.String(), Found: o.Actual, Mend: o.Mend})
				}
			}
			wantFinding(t, f, tt.skip, tt.words...)
		})
	}
}
