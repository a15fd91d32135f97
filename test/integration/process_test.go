package integration

import (
	"os"
	"os/exec"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
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
}

// newProcess builds the operator and gives it the identity that it is installed with.
func newProcess(plane *controlplane.ControlPlane) *process {
	GinkgoHelper()
	binary, err := gexec.BuildWithEnvironment("github.com/validation-operator/validation-operator/cmd", []string{"CGO_ENABLED=0"})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(gexec.CleanupBuildArtifacts)

	p := &process{binary: binary, kubeconfig: filepath.Join(GinkgoT().TempDir(), "kubeconfig"), metrics: freeAddress()}
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

// start starts the operator and returns once it works.
func (p *process) start() {
	GinkgoHelper()
	command := exec.Command(p.binary, "--kubeconfig", p.kubeconfig, "--health-probe-bind-address=0", "--metrics-bind-address", p.metrics, "--zap-devel")
	var err error
	p.session, err = gexec.Start(command, GinkgoWriter, GinkgoWriter)
	Expect(err).NotTo(HaveOccurred())
	Eventually(p.session.Err).Should(gbytes.Say("Starting workers"))
}

// kill ends the operator as a lost node does: without a word.
func (p *process) kill() {
	GinkgoHelper()
	p.session.Kill().Wait()
}
