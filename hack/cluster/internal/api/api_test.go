package api

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestNodeReady(t *testing.T) {
	for _, test := range []struct {
		name, node string
		code       int
		want       bool
	}{
		{"ready", `{"status":{"conditions":[{"type":"MemoryPressure","status":"False"},{"type":"Ready","status":"True"}]}}`, 200, true},
		{"not ready", `{"status":{"conditions":[{"type":"Ready","status":"False","message":"no network"}]}}`, 200, false},
		{"silent", `{}`, 200, false},
		{"not there", `{}`, 404, false},
		{
			"ready but still tainted",
			`{"spec":{"taints":[{"key":"node.kubernetes.io/not-ready","effect":"NoSchedule"}]},
			 "status":{"conditions":[{"type":"Ready","status":"True"}]}}`, 200, false,
		},
		{
			"a preference is no obstacle",
			`{"spec":{"taints":[{"key":"x","effect":"PreferNoSchedule"}]},"status":{"conditions":[{"type":"Ready","status":"True"}]}}`,
			200, true,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := answering(t, test.code, test.node).NodeReady(t.Context(), "n")
			if (err == nil) != test.want {
				t.Errorf("error %v, want ready = %v", err, test.want)
			}
		})
	}
}

func TestAllowKubeletAPITwice(t *testing.T) {
	for code, want := range map[int]bool{201: true, 409: true, 403: false, 500: false} {
		if err := answering(t, code, `{}`).AllowKubeletAPI(t.Context(), "u"); (err == nil) != want {
			t.Errorf("answer %d: error %v, want success = %v", code, err, want)
		}
	}
}

func answering(t *testing.T, code int, body string) *Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		if _, err := w.Write([]byte(body)); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	return &Client{server: server.URL, http: server.Client()}
}
