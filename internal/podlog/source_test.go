package podlog

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

func newTestSource(t *testing.T, handler http.HandlerFunc) Source {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL, QPS: -1})
	if err != nil {
		t.Fatal(err)
	}
	return NewSource(client)
}

func TestSourceRequest(t *testing.T) {
	for name, test := range map[string]struct {
		request Request
		want    string
	}{
		"from the beginning": {Request{}, "container=validator&timestamps=true"},
		"follow":             {Request{Follow: true}, "container=validator&follow=true&timestamps=true"},
		"since": {Request{Follow: true, Since: start.Truncate(time.Second)},
			"container=validator&follow=true&sinceTime=2026-11-22T13%3A00%3A00Z&timestamps=true"},
		"tail": {Request{TailLines: 16}, "container=validator&tailLines=16&timestamps=true"},
	} {
		t.Run(name, func(t *testing.T) {
			var path, query string
			source := newTestSource(t, func(w http.ResponseWriter, r *http.Request) {
				path, query = r.URL.Path, r.URL.RawQuery
				_, _ = io.WriteString(w, "body")
			})
			test.request.Namespace, test.request.Pod, test.request.Container = "ns", "pod", "validator"
			body, err := source.Open(t.Context(), test.request)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(body)
			_ = body.Close()
			if string(text) != "body" || err != nil {
				t.Errorf("body = %q, %v", text, err)
			}
			if diff := cmp.Diff([]string{"/api/v1/namespaces/ns/pods/pod/log", test.want}, []string{path, query}); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPodGone: only the pod's own absence is final.
func TestPodGone(t *testing.T) {
	for name, test := range map[string]struct {
		status *apierrors.StatusError
		want   bool
	}{
		"pod":  {apierrors.NewNotFound(schema.GroupResource{Resource: "pods"}, "pod"), true},
		"node": {apierrors.NewNotFound(schema.GroupResource{Resource: "nodes"}, "node"), false},
		"kubelet does not know it": {apierrors.NewGenericServerResponse(http.StatusNotFound, "",
			schema.GroupResource{Resource: "pods/log"}, "pod", `pod "pod" does not exist`, 0, false), false},
		"waiting to start": {apierrors.NewBadRequest("container is waiting to start"), false},
	} {
		t.Run(name, func(t *testing.T) {
			source := newTestSource(t, func(w http.ResponseWriter, _ *http.Request) {
				status := test.status.ErrStatus
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(int(status.Code))
				const answer = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":%q,"code":%d,"message":%q,"details":%s}`
				_, _ = fmt.Fprintf(w, answer, status.Reason, status.Code, status.Message, details(status.Details))
			})
			_, err := source.Open(t.Context(), Request{Namespace: "ns", Pod: "pod"})
			if err == nil || podGone(fmt.Errorf("opening the log: %w", err)) != test.want {
				t.Errorf("podGone(%v) = %t, want %t", err, !test.want, test.want)
			}
		})
	}
}

func details(d *metav1.StatusDetails) string {
	if d == nil {
		return "null"
	}
	return fmt.Sprintf(`{"name":%q,"kind":%q}`, d.Name, d.Kind)
}

// TestBrokenConnection follows through real HTTP: the server breaks the connection in mid-line, then serves the rest.
func TestBrokenConnection(t *testing.T) {
	log := awkward()
	k := newKubelet(log)
	k.ended = true
	full, _ := k.Open(t.Context(), Request{})
	text, _ := io.ReadAll(full)
	var mu sync.Mutex
	n := 0
	source := newTestSource(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		n++
		first := n == 1
		mu.Unlock()
		if first {
			_, _ = w.Write(text[:700])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
		since, _ := time.Parse(time.RFC3339, r.URL.Query().Get("sinceTime"))
		body, _ := k.Open(r.Context(), Request{Since: since})
		_, _ = io.Copy(w, body)
	})
	done := make(chan struct{}, 100)
	set := NewSet(source, Options{Notify: func(Target) { done <- struct{}{} }, RetryMin: time.Millisecond})
	defer set.Close()
	var out strings.Builder
	set.Follow(target, &out)
	set.Terminated(target)
	for ended := false; !ended; {
		select {
		case <-done:
		case <-t.Context().Done():
			t.Fatal("the log did not end")
		}
		set.View(target.UID, target.Container, func(s State) {
			if ended = s.Ended; ended && (!s.Complete() || out.String() != content(log)) {
				t.Errorf("state %+v, delivered %q", s, out.String())
			}
		})
	}
}
