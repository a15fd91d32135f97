package scripted

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
)

var definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// definitionOf is a kind without a schema.
func definitionOf(group, version, kind string, namespaced bool) *unstructured.Unstructured {
	scope := "Cluster"
	if namespaced {
		scope = "Namespaced"
	}
	plural := strings.ToLower(kind) + "s"
	if group == "metrics.k8s.io" {
		plural = strings.ToLower(strings.TrimSuffix(kind, "Metrics")) + "s"
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{
			"name":        plural + "." + group,
			"annotations": map[string]any{"api-approved.kubernetes.io": "unapproved, of a test"},
		},
		"spec": map[string]any{
			"group": group, "scope": scope,
			"names": map[string]any{"plural": plural, "singular": strings.ToLower(kind), "kind": kind, "listKind": kind + "List"},
			"versions": []any{map[string]any{
				"name": version, "served": true, "storage": true,
				"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
			}},
		},
	}}
}

// define adds a kind to the API until the test ends, and returns when it is served.
func define(t *testing.T, definition *unstructured.Unstructured) schema.GroupVersionResource {
	t.Helper()
	in := dynamicOf(t).Resource(definitions)
	if _, err := in.Create(t.Context(), definition, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	plural, group, _ := strings.Cut(definition.GetName(), ".")
	versions, _, _ := unstructured.NestedSlice(definition.Object, "spec", "versions")
	version, _, _ := unstructured.NestedString(versions[0].(map[string]any), "name")
	resource := schema.GroupVersionResource{Group: group, Version: version, Resource: plural}
	t.Cleanup(func() {
		if err := in.Delete(context.WithoutCancel(t.Context()), definition.GetName(), metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
		eventually(t, func() bool {
			_, err := in.Get(context.WithoutCancel(t.Context()), definition.GetName(), metav1.GetOptions{})
			return apierrors.IsNotFound(err) && !isServed(resource)
		})
	})
	eventually(t, func() bool {
		_, err := dynamicOf(t).Resource(resource).List(t.Context(), metav1.ListOptions{})
		return err == nil && isServed(resource)
	})
	return resource
}

// isServed reports whether discovery knows a kind.
func isServed(resource schema.GroupVersionResource) bool {
	served, err := world.admin.Discovery().ServerResourcesForGroupVersion(resource.GroupVersion().String())
	return err == nil && strings.Contains(served.String(), resource.Resource)
}

// create creates an object that goes when the test ends.
func create(t *testing.T, resource schema.GroupVersionResource, namespace string, object map[string]any) *unstructured.Unstructured {
	t.Helper()
	in := dynamicOf(t).Resource(resource).Namespace(namespace)
	created, err := in.Create(t.Context(), &unstructured.Unstructured{Object: object}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := in.Delete(context.WithoutCancel(t.Context()), created.GetName(), metav1.DeleteOptions{}); err != nil {
			t.Log(err)
		}
	})
	return created
}

// coming watches what comes while the test runs. What is there already is left out: a test before may be about to take it away.
func coming[L runtime.Object](t *testing.T, in cluster.Lister[L], options metav1.ListOptions) watch.Interface {
	t.Helper()
	list, err := in.List(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	accessor, err := meta.ListAccessor(list)
	if err != nil {
		t.Fatal(err)
	}
	options.ResourceVersion = accessor.GetResourceVersion()
	watcher, err := in.Watch(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(watcher.Stop)
	return watcher
}

// onAdded does something about each object that comes while the test runs.
func onAdded[T cluster.Object, L runtime.Object](t *testing.T, in cluster.Lister[L], options metav1.ListOptions, do func(T)) {
	t.Helper()
	watcher := coming(t, in, options)
	done := make(chan struct{})
	t.Cleanup(func() {
		watcher.Stop()
		<-done
	})
	go func() {
		defer close(done)
		for event := range watcher.ResultChan() {
			object, ok := event.Object.(T)
			if ok && event.Type == watch.Added && object.GetDeletionTimestamp() == nil {
				do(object)
			}
		}
	}()
}

// edit changes the API server's answers to requests whose address has some text in it.
type edit struct {
	path, from, to string
	// status, if it is not 0, takes the place of the answer's own.
	status int
}

func (e edit) wrap(transport http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		response, err := transport.RoundTrip(request)
		if err != nil || !strings.Contains(request.URL.String(), e.path) {
			return response, err
		}
		response.Body = &editedBody{body: response.Body, edit: e, watch: request.URL.Query().Get("watch") == "true"}
		response.Header.Del("Content-Length")
		response.ContentLength = -1
		if e.status != 0 && response.StatusCode == http.StatusUnprocessableEntity {
			response.StatusCode = e.status
		}
		return response, nil
	})
}

// answer is an answer that the API server does not give: of requests of the method whose address has some text in it, those after the
// first few get it.
type answer struct {
	method, path string
	skip         int
	status       int
	reason       metav1.StatusReason
	message      string
}

func (a answer) to(method, path string) answer {
	a.method, a.path = method, path
	return a
}

func (a answer) after(requests int) answer {
	a.skip = requests
	return a
}

func (a answer) wrap(transport http.RoundTripper) http.RoundTripper {
	var seen atomic.Int32
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		if request.Method != a.method || !strings.Contains(request.URL.String(), a.path) || int(seen.Add(1)) <= a.skip {
			return transport.RoundTrip(request)
		}
		body, err := json.Marshal(metav1.Status{
			TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure,
			Code: int32(a.status), Reason: a.reason, Message: a.message,
		})
		if err != nil {
			return nil, err
		}
		return &http.Response{
			StatusCode: a.status, Status: http.StatusText(a.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: request,
			Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(body)),
		}, nil
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// editedBody edits an answer as a whole, and each event of a watch, which is written at once.
type editedBody struct {
	body  io.ReadCloser
	edit  edit
	watch bool
	rest  []byte
}

func (b *editedBody) Read(p []byte) (int, error) {
	if len(b.rest) == 0 {
		chunk, err := b.next()
		b.rest = bytes.ReplaceAll(chunk, []byte(b.edit.from), []byte(b.edit.to))
		if len(b.rest) == 0 {
			return 0, err
		}
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *editedBody) next() ([]byte, error) {
	if b.watch {
		chunk := make([]byte, 64<<10)
		n, err := b.body.Read(chunk)
		return chunk[:n], err
	}
	whole, err := io.ReadAll(b.body)
	if err == nil && len(whole) == 0 {
		err = io.EOF
	}
	return whole, err
}

func (b *editedBody) Close() error { return b.body.Close() }
