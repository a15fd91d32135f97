package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// fault is what befalls a request of the operator. It may ask for the request to be made, or not.
type fault func(call call, next func() (*http.Response, error)) (*http.Response, error)

// link is an operator's connection to the API server, with the fault of the moment.
type link struct {
	base http.RoundTripper

	mu    sync.Mutex
	fault fault
	// watches end the watches that are open.
	watches map[*watchBody]struct{}
}

func (l *link) wrap(base http.RoundTripper) http.RoundTripper {
	l.base = base
	return l
}

// meet sets the fault; nil is none.
func (l *link) meet(f fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault = f
}

// RoundTrip makes a request, or does not.
func (l *link) RoundTrip(request *http.Request) (*http.Response, error) {
	l.mu.Lock()
	fault := l.fault
	l.mu.Unlock()
	c := callOf(request)
	next := func() (*http.Response, error) {
		response, err := l.base.RoundTrip(request)
		if err == nil && c.watch {
			response.Body = l.watched(response.Body)
		}
		return response, err
	}
	if fault == nil || c.resource == "" || c.resource == "events" {
		return next()
	}
	return fault(c, next)
}

// call is what a request is about.
type call struct {
	*http.Request
	resource, subresource, name string
	watch                       bool
}

// writes says whether the request changes something.
func (c call) writes() bool { return c.Method != http.MethodGet }

// what names the request without the object's name.
func (c call) what() string { return c.Method + " " + c.resource + "/" + c.subresource }

func callOf(request *http.Request) call {
	c := call{Request: request, watch: request.URL.Query().Get("watch") != ""}
	parts := strings.Split(strings.Trim(request.URL.Path, "/"), "/")
	i := slices.Index(parts, "namespaces")
	switch {
	case i >= 0 && len(parts) > i+2:
		parts = parts[i+2:]
	case len(parts) > 3 && parts[0] == "apis":
		parts = parts[3:]
	default:
		return c
	}
	c.resource = parts[0]
	if len(parts) > 1 {
		c.name = parts[1]
	}
	if len(parts) > 2 {
		c.subresource = parts[2]
	}
	return c
}

// refuse answers a request in place of the API server.
func refuse(c call, code int, header ...string) *http.Response {
	body, _ := json.Marshal(metav1.Status{ // it has nothing that could not be encoded
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusFailure, Code: int32(code),
		Reason: reasons[code], Message: "scripted: " + http.StatusText(code),
	})
	response := &http.Response{
		StatusCode: code, Status: http.StatusText(code), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: c.Request,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(body)),
	}
	for i := 0; i+1 < len(header); i += 2 {
		response.Header.Set(header[i], header[i+1])
	}
	return response
}

var reasons = map[int]metav1.StatusReason{
	http.StatusTooManyRequests: metav1.StatusReasonTooManyRequests, http.StatusInternalServerError: metav1.StatusReasonInternalError,
	http.StatusServiceUnavailable: metav1.StatusReasonServiceUnavailable, http.StatusGone: metav1.StatusReasonExpired,
}

var errLost = errors.New("scripted: the connection is lost")

// lost throws an answer away.
func lost(response *http.Response, err error) (*http.Response, error) {
	if err == nil {
		_, _ = io.Copy(io.Discard, response.Body) // what it says is lost in any case
		_ = response.Body.Close()
	}
	return nil, errLost
}

// lagging is a fault that makes what some watches tell come late.
func lagging(lag time.Duration, resources ...string) fault {
	return func(c call, next func() (*http.Response, error)) (*http.Response, error) {
		response, err := next()
		if err == nil && c.watch && slices.Contains(resources, c.resource) {
			response.Body = newLateBody(response.Body, lag)
		}
		return response, err
	}
}

// lateBody hands on what it reads a while later.
type lateBody struct {
	body   io.ReadCloser
	cancel context.CancelFunc
	pieces chan piece
	rest   []byte
	ctx    context.Context
}

type piece struct {
	data []byte
	err  error
	at   time.Time
}

func newLateBody(body io.ReadCloser, lag time.Duration) *lateBody {
	b := &lateBody{body: body, pieces: make(chan piece, 1024)}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	go func() {
		for {
			buffer := make([]byte, 32<<10)
			n, err := body.Read(buffer)
			select {
			case b.pieces <- piece{data: buffer[:n], err: err, at: time.Now().Add(lag)}:
			case <-b.ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return b
}

// Read waits for what was read before.
func (b *lateBody) Read(p []byte) (int, error) {
	for len(b.rest) == 0 {
		select {
		case next := <-b.pieces:
			timer := time.NewTimer(time.Until(next.at))
			select {
			case <-timer.C:
			case <-b.ctx.Done():
				timer.Stop()
				return 0, context.Canceled
			}
			if b.rest = next.data; len(b.rest) == 0 && next.err != nil {
				return 0, next.err
			}
		case <-b.ctx.Done():
			return 0, context.Canceled
		}
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// Close ends the watch.
func (b *lateBody) Close() error {
	b.cancel()
	return b.body.Close()
}

// watchBody is an open watch.
type watchBody struct {
	io.ReadCloser
	link *link
}

func (l *link) watched(body io.ReadCloser) io.ReadCloser {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.watches == nil {
		l.watches = map[*watchBody]struct{}{}
	}
	w := &watchBody{ReadCloser: body, link: l}
	l.watches[w] = struct{}{}
	return w
}

// Close ends the watch.
func (w *watchBody) Close() error {
	w.link.mu.Lock()
	delete(w.link.watches, w)
	w.link.mu.Unlock()
	return w.ReadCloser.Close()
}

// tear ends all open watches.
func (l *link) tear() {
	l.mu.Lock()
	open := make([]*watchBody, 0, len(l.watches))
	for w := range l.watches {
		open = append(open, w)
	}
	l.mu.Unlock()
	for _, w := range open {
		_ = w.Close() // whoever reads it finds out
	}
}

// namespaceOf is the namespace that a request is about.
func namespaceOf(c call) string {
	parts := strings.Split(c.URL.Path, "/")
	if i := slices.Index(parts, "namespaces"); i >= 0 && i+1 < len(parts) {
		return parts[i+1]
	}
	return ""
}
