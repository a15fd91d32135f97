package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// collectOnFailure keeps, when a spec fails, what people ask for first: the namespace's objects, events and logs, and the operator's log.
func collectOnFailure(namespace func() string) {
	JustAfterEach(func(ctx SpecContext) {
		if !CurrentSpecReport().Failed() {
			return
		}
		path, err := folder(CurrentSpecReport().LeafNodeText)
		if err != nil {
			GinkgoWriter.Println("collecting:", err)
			return
		}
		for _, ns := range []string{namespace(), operatorNamespace} {
			collect(ctx, path, ns)
		}
		AddReportEntry("objects, events and logs are in " + filepath.Clean(path))
	})
}

func collect(ctx context.Context, path, namespace string) {
	for file, args := range map[string][]string{
		"events.txt":   {"get", "events", "--sort-by=.lastTimestamp", "-o", "wide"},
		"objects.txt":  {"get", "validationruns,jobs,pods,configmaps,serviceaccounts,rolebindings", "-o", "wide"},
		"objects.yaml": {"get", "validationruns,jobs,pods,configmaps", "-o", "yaml"},
	} {
		save(ctx, filepath.Join(path, namespace+"-"+file), append([]string{"-n", namespace}, args...))
	}
	var pods corev1.PodList
	if err := k8s.List(ctx, &pods, client.InNamespace(namespace)); err != nil {
		GinkgoWriter.Println("collecting:", err)
		return
	}
	for _, pod := range pods.Items {
		save(ctx, filepath.Join(path, fmt.Sprintf("%s-%s.log", namespace, pod.Name)),
			[]string{"-n", namespace, "logs", pod.Name, "--all-containers", "--limit-bytes=1048576"})
	}
}

// save writes what kubectl says into a file. A collector that fails must not hide why the spec did.
func save(ctx context.Context, file string, args []string) {
	out, err := exec.CommandContext(ctx, "kubectl", args...).CombinedOutput()
	if err != nil {
		out = fmt.Appendf(out, "kubectl: %v\n", err)
	}
	if err := os.WriteFile(file, out, 0o600); err != nil {
		GinkgoWriter.Println("collecting:", err)
	}
}
