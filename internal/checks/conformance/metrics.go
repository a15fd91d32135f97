package conformance

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/health"
)

const (
	// askTime bounds a few requests.
	askTime = 30 * time.Second
	// requestsMetric is what every API server counts of itself.
	requestsMetric = "apiserver_request_total"
	// staleAfter is the age at which metrics of a node are no longer its present; metrics servers read every 15 to 60 seconds.
	staleAfter = 5 * time.Minute
)

var nodeMetrics = schema.GroupVersionResource{Group: "metrics.k8s.io", Version: "v1beta1", Resource: "nodes"}

// APIServerMetrics proves that the API server can be monitored: it serves metrics, and has counted requests.
func APIServerMetrics(ctx context.Context, b *cluster.Bench) *finding.Finding {
	f := &finding.Finding{}
	body, err := b.Discovery().RESTClient().Get().AbsPath("/metrics").Stream(ctx)
	if err != nil {
		f.Refused("get /metrics", err)
		return f
	}
	defer func() { _ = body.Close() }()
	series, counted, err := samples(body, requestsMetric)
	f.Measure("series", series)
	switch {
	case err != nil:
		f.Fail("the API server to serve its metrics to the end", err.Error(), "see its log")
	case counted == 0:
		f.Fail(fmt.Sprintf("the API server's metrics to count its requests as %s", requestsMetric),
			fmt.Sprintf("none among %d series", series), "see whether something between the validator and the API server answers in its place")
	}
	return f
}

// samples counts the series of an exposition, in all and of one metric, in constant memory.
func samples(r io.Reader, metric string) (all, of int, err error) {
	lines := bufio.NewReaderSize(r, 64<<10)
	for {
		line, prefix, err := lines.ReadLine()
		if err == io.EOF {
			return all, of, nil
		}
		if err != nil {
			return all, of, fmt.Errorf("reading metrics after %d series: %w", all, err)
		}
		text := string(line)
		if text != "" && !strings.HasPrefix(text, "#") {
			all++
			if strings.HasPrefix(text, metric+"{") || strings.HasPrefix(text, metric+" ") {
				of++
			}
		}
		for prefix && err == nil {
			_, prefix, err = lines.ReadLine()
		}
	}
}

// NodeMetrics proves that the metrics API, where there is one, tells of the present use of every node that is ready.
func NodeMetrics(ctx context.Context, b *cluster.Bench) *finding.Finding {
	f := &finding.Finding{}
	_, err := b.Discovery().ServerResourcesForGroupVersion(metricsAPI)
	switch {
	case apierrors.IsNotFound(err):
		f.NotApplicable("the cluster has no metrics API")
		return f
	case err != nil:
		f.Fail("the metrics API, which is registered, to answer", err.Error(),
			"see kubectl get apiservice v1beta1.metrics.k8s.io, and the pods of the metrics server")
		return f
	}
	client, err := b.Dynamic()
	if err != nil {
		f.CouldNotRun("%v", err)
		return f
	}
	measured, err := client.Resource(nodeMetrics).List(ctx, metav1.ListOptions{})
	if err != nil {
		f.Refused("list nodes of metrics.k8s.io", err)
		return f
	}
	nodes, err := allNodes(ctx, b)
	if err != nil {
		f.Refused("list nodes", err)
		return f
	}
	if len(nodes) == 0 {
		f.Fail("nodes", "none", "join a node to the cluster")
	} else if !slices.ContainsFunc(nodes, func(node corev1.Node) bool { return len(health.NodeProblems(&node)) == 0 }) {
		f.CouldNotRun("none of %d nodes is healthy, and only of such metrics are expected", len(nodes))
	}
	f.Measure("nodes.measured", len(measured.Items))
	for _, problem := range unmeasured(nodes, measured.Items, time.Now()) {
		f.Fail("the metrics API to tell of the present use of each ready node", problem,
			"see the log of the metrics server, and whether it reaches the kubelet of that node")
	}
	return f
}

func allNodes(ctx context.Context, b *cluster.Bench) ([]corev1.Node, error) {
	var nodes []corev1.Node
	options := metav1.ListOptions{Limit: pageSize}
	for {
		page, err := b.CoreV1().Nodes().List(ctx, options)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, page.Items...)
		if options.Continue = page.Continue; options.Continue == "" {
			return nodes, nil
		}
	}
}

// unmeasured says which ready nodes have no metrics of the present.
func unmeasured(nodes []corev1.Node, metrics []unstructured.Unstructured, now time.Time) []string {
	byName := map[string]unstructured.Unstructured{}
	for _, m := range metrics {
		byName[m.GetName()] = m
	}
	var problems []string
	for _, node := range nodes {
		m, found := byName[node.Name]
		usage, _, _ := unstructured.NestedStringMap(m.Object, "usage")
		text, _, _ := unstructured.NestedString(m.Object, "timestamp")
		at, err := time.Parse(time.RFC3339, text)
		switch {
		case len(health.NodeProblems(&node)) > 0:
		case !found:
			problems = append(problems, "nothing of node "+node.Name)
		case usage["cpu"] == "" || usage["memory"] == "":
			problems = append(problems, fmt.Sprintf("of node %s the use of %v alone", node.Name, usage))
		case err != nil:
			problems = append(problems, fmt.Sprintf("metrics of node %s without a time: %q", node.Name, text))
		case now.Sub(at) > staleAfter:
			problems = append(problems, fmt.Sprintf("metrics of node %s that are %s old", node.Name, now.Sub(at).Round(time.Second)))
		}
	}
	return problems
}
