package benchmark

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/validation-operator/validation-operator/test/controlplane"
)

// process is the operator's own command as a process: its memory is nobody else's.
type process struct {
	command  *exec.Cmd
	profiles string // the address of its profiles
	client   *http.Client
}

// startProcess builds the operator and starts it with the rights that it is installed with. It ends with the test.
func startProcess(t *testing.T, c *cluster) *process {
	t.Helper()
	dir := t.TempDir()
	binary, kubeconfig := filepath.Join(dir, "operator"), filepath.Join(dir, "kubeconfig")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../../cmd").CombinedOutput(); err != nil {
		t.Fatalf("building the operator: %v\n%s", err, out)
	}
	if err := clientcmd.WriteToFile(*c.kubeconfig(), kubeconfig); err != nil {
		t.Fatalf("writing the operator's kubeconfig: %v", err)
	}
	p := &process{profiles: freeAddress(t)}
	// A connection that is kept would be counted among the operator's goroutines.
	p.client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	log, err := os.Create(filepath.Join(dir, "operator.log"))
	if err != nil {
		t.Fatalf("creating the operator's log: %v", err)
	}
	t.Cleanup(func() { _ = log.Close() }) // its process has a handle of its own
	p.command = exec.Command(binary, "--kubeconfig", kubeconfig, "--health-probe-bind-address=0", "--pprof-bind-address", p.profiles)
	p.command.Stdout, p.command.Stderr = log, log
	if err := p.command.Start(); err != nil {
		t.Fatalf("starting the operator: %v", err)
	}
	t.Cleanup(func() {
		_ = p.command.Process.Kill() // it may have ended
		_ = p.command.Wait()         // it was killed
	})
	return p
}

// kubeconfig is that of the operator's own ServiceAccount.
func (c *cluster) kubeconfig() *clientcmdapi.Config {
	account := c.plane.ServiceAccountConfig("validation-operator-system", "validation-operator-controller-manager")
	config := clientcmdapi.NewConfig()
	config.Clusters["test"] = &clientcmdapi.Cluster{Server: account.Host, CertificateAuthorityData: account.CAData}
	config.AuthInfos["test"] = &clientcmdapi.AuthInfo{
		ClientCertificateData: account.CertData, ClientKeyData: account.KeyData,
		Impersonate: account.Impersonate.UserName, ImpersonateGroups: account.Impersonate.Groups,
	}
	config.Contexts["test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: "test"}
	config.CurrentContext = "test"
	return config
}

// freeAddress is one that nobody listens at.
func freeAddress(t *testing.T) string {
	t.Helper()
	port, err := controlplane.Port()
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

// footprint is what a process takes.
type footprint struct {
	heap       int64 // what is in use once all garbage is gone
	rss, peak  int64 // of the process, now and at most
	goroutines int64
}

func (f footprint) String() string {
	const mib = 1 << 20
	return fmt.Sprintf("heap %.1f MiB, RSS %.0f MiB (at most %.0f MiB), %d goroutines",
		float64(f.heap)/mib, float64(f.rss)/mib, float64(f.peak)/mib, f.goroutines)
}

var (
	heapLine      = regexp.MustCompile(`(?m)^# HeapAlloc = (\d+)$`)
	goroutineLine = regexp.MustCompile(`(?m)^goroutine profile: total (\d+)$`)
	rssLine       = regexp.MustCompile(`(?m)^VmRSS:\s+(\d+) kB$`)
	peakLine      = regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`)
)

// footprint measures the process. Its memory is unknown where there is no /proc as that of Linux.
func (p *process) footprint(t *testing.T) footprint {
	t.Helper()
	goroutines := p.get(t, "/debug/pprof/goroutine?debug=1")
	p.get(t, "/debug/pprof/heap?gc=1&debug=1") // what finalizers and pools held on to goes with the second collection
	heap := p.get(t, "/debug/pprof/heap?gc=1&debug=1")
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		t.Logf("reading what the operator has in memory: %v", err)
	}
	return footprint{
		heap: number(heapLine, heap), goroutines: number(goroutineLine, goroutines),
		rss: number(rssLine, string(status)) << 10, peak: number(peakLine, string(status)) << 10,
	}
}

// number is the number that a line shows.
func number(line *regexp.Regexp, text string) int64 {
	found := line.FindStringSubmatch(text)
	if found == nil {
		return 0
	}
	n, _ := strconv.ParseInt(found[1], 10, 64) // they are digits
	return n
}

func (p *process) get(t *testing.T, path string) string {
	t.Helper()
	response, err := p.client.Get("http://" + p.profiles + path)
	if err != nil {
		t.Fatalf("asking the operator for a profile: %v", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("asking the operator for %s: %s, %v", path, response.Status, err)
	}
	return string(text)
}
