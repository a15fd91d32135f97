// Package api asks a cluster's API server the few things that starting a cluster needs. It must not know how one is started.
package api

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// Credentials are the files of a client's identity.
type Credentials struct {
	Authority, Certificate, Key string
}

// Client talks to one API server.
type Client struct {
	server string
	http   *http.Client
}

// New returns a client of the server at a URL.
func New(server string, c Credentials) (*Client, error) {
	authority, err := os.ReadFile(c.Authority)
	if err != nil {
		return nil, fmt.Errorf("reading the cluster's authority: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("%s holds no certificate", c.Authority)
	}
	identity, err := tls.LoadX509KeyPair(c.Certificate, c.Key)
	if err != nil {
		return nil, fmt.Errorf("reading the client's certificate: %w", err)
	}
	return &Client{server: server, http: &http.Client{
		Timeout: 10 * time.Second,
		Transport: &http.Transport{
			// No proxy: the address is one of this machine.
			TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{identity}, MinVersion: tls.VersionTLS12},
		},
	}}, nil
}

// errStatus is an answer other than success.
type errStatus struct {
	code int
	body string
}

func (e errStatus) Error() string { return fmt.Sprintf("status %d: %s", e.code, e.body) }

// Ready asks whether the server and what it depends on are ready.
func (c *Client) Ready(ctx context.Context) error {
	return c.call(ctx, http.MethodGet, "/readyz", nil, nil)
}

// NodeReady asks whether a node exists, is ready and takes pods.
func (c *Client) NodeReady(ctx context.Context, name string) error {
	var node struct {
		Spec struct {
			Taints []struct{ Key, Effect string }
		}
		Status struct {
			Conditions []struct{ Type, Status, Message string }
		}
	}
	if err := c.call(ctx, http.MethodGet, "/api/v1/nodes/"+name, nil, &node); err != nil {
		return err
	}
	for _, taint := range node.Spec.Taints {
		if taint.Effect == "NoSchedule" || taint.Effect == "NoExecute" {
			return fmt.Errorf("node %s has taint %s", name, taint.Key)
		}
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == "Ready" {
			if condition.Status == "True" {
				return nil
			}
			return fmt.Errorf("node %s is not ready: %s", name, condition.Message)
		}
	}
	return fmt.Errorf("node %s says nothing about its readiness", name)
}

// KubeletAnswers asks the kubelet, by way of the API server, which is also how logs are read. A node's status says for a while
// that it is ready after its kubelet has ended.
func (c *Client) KubeletAnswers(ctx context.Context, node string) error {
	return c.call(ctx, http.MethodGet, "/api/v1/nodes/"+node+"/proxy/healthz", nil, nil)
}

// DefaultServiceAccount asks whether pods can be created in the default namespace.
func (c *Client) DefaultServiceAccount(ctx context.Context) error {
	return c.call(ctx, http.MethodGet, "/api/v1/namespaces/default/serviceaccounts/default", nil, nil)
}

// AllowKubeletAPI gives a user what the API server needs to read logs and run commands on nodes.
func (c *Client) AllowKubeletAPI(ctx context.Context, user string) error {
	const group = "rbac.authorization.k8s.io"
	binding := map[string]any{
		"apiVersion": group + "/v1", "kind": "ClusterRoleBinding",
		"metadata": map[string]any{"name": user},
		"roleRef":  map[string]any{"apiGroup": group, "kind": "ClusterRole", "name": "system:kubelet-api-admin"},
		"subjects": []any{map[string]any{"apiGroup": group, "kind": "User", "name": user}},
	}
	err := c.call(ctx, http.MethodPost, "/apis/"+group+"/v1/clusterrolebindings", binding, nil)
	var status errStatus
	if errors.As(err, &status) && status.code == http.StatusConflict {
		return nil
	}
	return err
}

func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		content, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("encoding a request: %w", err)
		}
		body = bytes.NewReader(content)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.server+path, body)
	if err != nil {
		return fmt.Errorf("making a request: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("calling the API server: %w", err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("reading the API server's answer: %w", err)
	}
	if response.StatusCode/100 != 2 {
		return errStatus{code: response.StatusCode, body: string(content[:min(len(content), 300)])}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(content, out); err != nil {
		return fmt.Errorf("reading the API server's answer: %w", err)
	}
	return nil
}
