package controlplane

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

// auditPolicy records every request but those that only say that somebody is alive, each once, when it is complete.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
omitManagedFields: true
rules:
- level: None
  resources: [{group: coordination.k8s.io, resources: [leases]}]
- level: None
  nonResourceURLs: ["/healthz*", "/livez*", "/readyz*", "/openapi*", "/api", "/api/*", "/apis", "/apis/*", "/version"]
- level: RequestResponse
  resources: [{group: validation.aicr.dev}]
- level: Metadata
`

// AuditEvent is one request that the API server has answered.
type AuditEvent struct {
	Verb        string
	Group       string
	Resource    string
	Subresource string
	Namespace   string
	Name        string
	// User is who the request was made as: the impersonated user where there is one.
	User string
	// Code is the HTTP status of the answer.
	Code int
	// URI is the request's path and query.
	URI      string
	Received time.Time
	// Request and Response are the bodies; only those of validation.aicr.dev are recorded.
	Request, Response json.RawMessage
}

// wireEvent is the part of audit.k8s.io/v1 Event that is read.
type wireEvent struct {
	Stage        string
	Verb         string
	RequestURI   string
	User         struct{ Username string }
	Impersonated struct{ Username string } `json:"impersonatedUser"`
	ObjectRef    struct {
		APIGroup, Resource, Subresource, Namespace, Name string
	}
	ResponseStatus           struct{ Code int }
	RequestReceivedTimestamp time.Time
	RequestObject            json.RawMessage
	ResponseObject           json.RawMessage
}

// eventBegins is how each line of an audit log begins.
var eventBegins = []byte(`{"kind":"Event","apiVersion":"audit.k8s.io/v1"`)

// ReadAudit returns the requests of an audit log in the order in which they were completed. With namespaces it returns
// only the requests for objects in one of them. A last line that is still being written is left out.
func ReadAudit(path string, namespaces ...string) ([]AuditEvent, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the audit log: %w", err)
	}
	defer file.Close()

	var events []AuditEvent
	reader := bufio.NewReaderSize(file, 1<<16)
	for number := 1; ; number++ {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return events, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the audit log: %w", err)
		}
		if !concerns(line, namespaces) {
			continue
		}
		var wire wireEvent
		err = json.Unmarshal(line, &wire)
		if i := bytes.LastIndex(line, eventBegins); err != nil && i > 0 {
			wire = wireEvent{}
			err = json.Unmarshal(line[i:], &wire) // the half line that a server left that was killed
		}
		if err != nil {
			return nil, fmt.Errorf("reading line %d of the audit log: %w", number, err)
		}
		event := wire.event()
		if wire.Stage == "ResponseComplete" && (len(namespaces) == 0 || slices.Contains(namespaces, event.Namespace)) {
			events = append(events, event)
		}
	}
}

// concerns spares a long log most of its decoding; it may say yes too often.
func concerns(line []byte, namespaces []string) bool {
	for _, namespace := range namespaces {
		if bytes.Contains(line, []byte(`"namespace":"`+namespace+`"`)) {
			return true
		}
	}
	return len(namespaces) == 0
}

func (w *wireEvent) event() AuditEvent {
	user := w.User.Username
	if w.Impersonated.Username != "" {
		user = w.Impersonated.Username
	}
	return AuditEvent{
		Verb:        w.Verb,
		Group:       w.ObjectRef.APIGroup,
		Resource:    w.ObjectRef.Resource,
		Subresource: w.ObjectRef.Subresource,
		Namespace:   w.ObjectRef.Namespace,
		Name:        w.ObjectRef.Name,
		User:        user,
		Code:        w.ResponseStatus.Code,
		URI:         w.RequestURI,
		Received:    w.RequestReceivedTimestamp,
		Request:     w.RequestObject,
		Response:    w.ResponseObject,
	}
}
