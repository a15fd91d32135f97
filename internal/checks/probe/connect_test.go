package probe

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// listen is a server that answers with the text, until the test ends.
func listen(t *testing.T, text string) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- answer(ctx, listener, text) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with: %v", err)
		}
	})
	return "http://" + listener.Addr().String()
}

func TestConnect(t *testing.T) {
	left := listen(t, "left")
	message := filepath.Join(t.TempDir(), "message")
	all, err := json.Marshal([]Target{{Name: "0", URL: left, Want: "left"}, {Name: "1", URL: listen(t, "right"), Want: "right"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(TargetsVariable, string(all))
	// A proxy that nobody answers at must not be asked.
	t.Setenv("HTTP_PROXY", "http://192.0.2.1:9")
	if err := connect(t.Context(), message); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(message)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(data), `{"0":"","1":""}`; got != want {
		t.Errorf("message = %s, want %s", got, want)
	}
}

func TestAsk(t *testing.T) {
	closed, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone, me, you := "http://"+closed.Addr().String(), listen(t, "me"), listen(t, "you")
	// Not before the others listen: one of them might get its port.
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		target Target
		want   string
	}{
		"as it should be": {Target{URL: me, Want: "me"}, ""},
		"somebody else":   {Target{URL: you, Want: "me"}, `somebody else answers: 200 OK, "you"`},
		"nobody":          {Target{URL: gone, Want: "me"}, "connection refused"},
		"no address":      {Target{URL: "http://%"}, "invalid URL"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := ask(t.Context(), newClient(), tt.target)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error = %v, want %q", err, tt.want)
			}
		})
	}
}

func TestEachTriesForAsLongAsItsPatienceLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		errAttempt := errors.New("nobody answers")
		start := time.Now()
		tries := []int{0, 0, 0}
		errs := each(t.Context(), []int{0, 1, 2}, func(ctx context.Context, i int) error {
			tries[i]++
			switch {
			case i == 0 || i == 1 && tries[i] == 3:
				return nil
			case i == 2 && tries[i] > 2: // from then on nothing answers at all
				<-ctx.Done()
				if time.Since(start) < patience {
					return errAttempt
				}
				return ctx.Err()
			}
			return errors.New("refused")
		})
		if errs[0] != nil || errs[1] != nil || errs[2] == nil {
			t.Errorf("errors = %v, want one for the last alone", errs)
		}
		// Its last whole try ran into the time of an attempt; the one that the end of the patience cut off says less.
		if !errors.Is(errs[2], errAttempt) {
			t.Errorf("the last error is %v, want %v", errs[2], errAttempt)
		}
		if tries[0] != 1 || tries[1] != 3 || tries[2] < 10 {
			t.Errorf("tries = %v, want one, three and many", tries)
		}
	})
}

func TestLookUp(t *testing.T) {
	inCluster := "search ns.svc.cluster.local. svc.cluster.local cluster.local\nnameserver 10.0.0.10\noptions ndots:5\n"
	find := func(_ context.Context, name string) ([]string, error) {
		if name == "known" {
			return []string{"10.0.0.2", "10.0.0.1"}, nil
		}
		return nil, errors.New("no such host")
	}
	tests := map[string]struct {
		config string
		want   Resolution
	}{
		"of a cluster with DNS": {inCluster, Resolution{
			Search: []string{"ns.svc.cluster.local", "svc.cluster.local", "cluster.local"}, Servers: []string{"10.0.0.10"},
			Addresses: map[string][]string{"known": {"10.0.0.1", "10.0.0.2"}}, Trouble: map[string]string{"unknown": "no such host"}}},
		"of the node": {"# comment\nsearch example.com\nnameserver 1.1.1.1\nsearch example.org\n", Resolution{
			Search: []string{"example.org"}, Servers: []string{"1.1.1.1"}}},
		"of the pod itself": {"search ns.svc.cluster.local svc.cluster.local\nnameserver 127.0.0.1\nnameserver ::1\n", Resolution{
			Search: []string{"ns.svc.cluster.local", "svc.cluster.local"}, Servers: []string{"127.0.0.1", "::1"}}},
		"of nobody": {"", Resolution{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := lookUp(t.Context(), parseResolvConf(tt.config), []string{"known", "unknown"}, find)
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("resolution (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestTroublesFitIntoAMessage(t *testing.T) {
	outcome := map[string]string{}
	for i := range 20 {
		outcome[string(rune('a'+i))] = clip(errors.New(strings.Repeat("ä", 1000) + " refused"))
	}
	data, err := json.Marshal(outcome)
	if err != nil {
		t.Fatal(err)
	}
	if len(data) > 4096 {
		t.Errorf("twenty troubles take %d bytes, more than Kubernetes keeps", len(data))
	}
	if got := outcome["a"]; !strings.HasSuffix(got, "ä refused") {
		t.Errorf("clipped to %q, want the end of it", got)
	}
}

func TestProbesWithoutTargets(t *testing.T) {
	t.Setenv(TargetsVariable, "nonsense")
	for _, name := range []string{Connect, Resolve} {
		if got := Run(name); got != 1 {
			t.Errorf("Run(%s) = %d, want 1", name, got)
		}
	}
}
