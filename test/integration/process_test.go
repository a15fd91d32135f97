package integration

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gexec"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/validation-operator/validation-operator/test/controlplane"
)

// process is the operator as a process: what is killed is really killed.
type process struct {
	binary, kubeconfig string
	metrics            string // the address of its metrics endpoint
	session            *gexec.Session
	killed             bool // by a spec
}

// newProcess builds the operator and gives it the identity that it is installed with.
func newProcess(plane *controlplane.ControlPlane) *process {
	GinkgoHelper()
	binary, err := gexec.BuildWithEnvironment("github.com/validation-operator/validation-operator/cmd", []string{"CGO_ENABLED=0"})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(gexec.CleanupBuildArtifacts)

	p := &process{binary: binary, kubeconfig: filepath.Join(GinkgoT().TempDir(), "kubeconfig")}
	writeKubeconfig(plane.ServiceAccountConfig("validation-operator-system", "validation-operator-controller-manager"), p.kubeconfig)
	return p
}

// writeKubeconfig writes a client's configuration for a process to read.
func writeKubeconfig(config *rest.Config, file string) {
	GinkgoHelper()
	kubeconfig := clientcmdapi.NewConfig()
	kubeconfig.Clusters["test"] = &clientcmdapi.Cluster{Server: config.Host, CertificateAuthorityData: config.CAData}
	kubeconfig.AuthInfos["test"] = &clientcmdapi.AuthInfo{
		ClientCertificateData: config.CertData, ClientKeyData: config.KeyData,
		Impersonate: config.Impersonate.UserName, ImpersonateGroups: config.Impersonate.Groups,
	}
	kubeconfig.Contexts["test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: "test"}
	kubeconfig.CurrentContext = "test"
	Expect(clientcmd.WriteToFile(*kubeconfig, file)).To(Succeed())
}

// assets is the folder of the servers' executables, and of kubectl.
func assets() string { return os.Getenv("KUBEBUILDER_ASSETS") }

// start starts the operator and returns once it works. Until it listens at the address for its metrics anybody else may be given the same:
// then another one is drawn.
func (p *process) start() {
	GinkgoHelper()
	for range 3 {
		if p.startAt(freeAddress()) {
			return
		}
	}
	Fail("each address for the operator's metrics was taken")
}

// startAt starts the operator with its metrics at an address, and says whether that was free.
func (p *process) startAt(metrics string) bool {
	GinkgoHelper()
	p.metrics, p.killed = metrics, false
	command := exec.Command(p.binary, "--kubeconfig", p.kubeconfig, "--health-probe-bind-address=0", "--metrics-bind-address", metrics, "--zap-devel")
	var err error
	p.session, err = gexec.Start(command, GinkgoWriter, GinkgoWriter)
	Expect(err).NotTo(HaveOccurred())
	works := func() bool { return p.said("Serving metrics server") && p.said("Starting workers") }
	Eventually(func() bool { return p.ended() || works() }).Should(BeTrue(), "the operator does not start to work")
	if !p.ended() {
		return true
	}
	Expect(p.said("address already in use")).To(BeTrue(), "the operator has ended as soon as it was started")
	return false
}

// said says whether a text is in the operator's log.
func (p *process) said(text string) bool {
	return bytes.Contains(p.session.Err.Contents(), []byte(text))
}

// kill ends the operator as a lost node does: without a word.
func (p *process) kill() {
	GinkgoHelper()
	p.killed = true
	p.session.Kill().Wait()
}

// ended says whether the operator does not run.
func (p *process) ended() bool { return p.session.ExitCode() >= 0 }

// A spec that has killed the operator, and failed before it started it again, fails alone.
var _ = BeforeEach(func() {
	if !operator.ended() {
		return
	}
	byItself := !operator.killed
	operator.start()
	Expect(byItself).To(BeFalse(), "the operator has ended by itself")
})
