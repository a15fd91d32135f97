// Package api tries the ValidationRun's API as users meet it, on a real API server: what it refuses and in which words, what it fills
// in, what it lets through, what kubectl shows. No operator runs.
package api

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/controlplane"
)

const (
	namespace = "default"
	crdPath   = "../../config/crd/bases/validation.aicr.dev_validationruns.yaml"
)

var (
	plane *controlplane.ControlPlane
	// typed decodes as the operator does.
	typed client.Client
	// core sends and receives what no type of ours has seen.
	core kubernetes.Interface
)

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if err := start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := plane.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func start() (err error) {
	if plane, err = controlplane.Start(controlplane.Options{CRDPaths: []string{crdPath}}); err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return err
	}
	if typed, err = client.New(plane.Config, client.Options{Scheme: scheme}); err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	plain := rest.CopyConfig(plane.Config)
	plain.AcceptContentTypes, plain.ContentType = "application/json", "application/json"
	if core, err = kubernetes.NewForConfig(plain); err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	return nil
}

const runsPath = "/apis/validation.aicr.dev/v1alpha1/namespaces/" + namespace + "/validationruns"

// create sends a run as it is and returns the API server's answer. With fieldValidation Strict it is as strict as kubectl.
func create(ctx context.Context, object any, parameters map[string]string) ([]byte, error) {
	body, err := json.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("encoding a run: %w", err)
	}
	request := core.CoreV1().RESTClient().Post().AbsPath(runsPath).Body(body)
	for name, value := range parameters {
		request = request.Param(name, value)
	}
	result := request.Do(ctx)
	if err := result.Error(); err != nil {
		return nil, err
	}
	return result.Raw()
}

// readAll decodes the documents of a YAML file into what JSON has.
func readAll(t *testing.T, path string) (documents []any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		t.Fatal(err)
	}
	for text := range strings.SplitSeq(string(data), "\n---\n") {
		documents = append(documents, parse(t, text))
	}
	return documents
}

func parse(t *testing.T, text string) map[string]any {
	t.Helper()
	var object map[string]any
	if err := yaml.Unmarshal([]byte(text), &object); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return object
}
