package faults

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
	"github.com/onsi/gomega/gexec"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/podlet"
)

// The environment of this program where it is to be an operator, and which.
const (
	replicaKubeconfig = "FAULTS_REPLICA_KUBECONFIG"
	replicaNamespace  = "FAULTS_REPLICA_NAMESPACE"
	replicaElects     = "FAULTS_REPLICA_ELECTS"
)

// TestMain makes an operator of this program where it is asked to be one: a process that can be killed and stopped.
func TestMain(m *testing.M) {
	if os.Getenv(replicaKubeconfig) == "" {
		os.Exit(m.Run())
	}
	if err := beReplica(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func beReplica() error {
	ctrl.SetLogger(zap.New(zap.UseDevMode(true)))
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return err
		}
	}
	user, err := clientcmd.BuildConfigFromFlags("", os.Getenv(replicaKubeconfig))
	if err != nil {
		return err
	}
	user.QPS = -1
	ctx := ctrl.SetupSignalHandler()
	mgr, err := newManager(ctx, setup{
		user: user, namespace: os.Getenv(replicaNamespace), clock: clock.RealClock{}, elects: os.Getenv(replicaElects) != "",
	})
	if err != nil {
		return err
	}
	return mgr.Start(ctx)
}

// replica starts an operator of the story's as a process of its own, and returns once it works, or stands by.
func (s *story) replica(elects bool) *gexec.Session {
	GinkgoHelper()
	s.starts++
	file := filepath.Join(GinkgoT().TempDir(), "kubeconfig")
	writeKubeconfig(s.user, file)
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), replicaKubeconfig+"="+file, replicaNamespace+"="+s.namespace)
	if elects {
		command.Env = append(command.Env, replicaElects+"=yes")
	}
	session, err := gexec.Start(command, GinkgoWriter, GinkgoWriter)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { session.Kill().Wait() })
	if elects {
		Eventually(session.Err).Should(gbytes.Say("(?i)attempting to acquire leader lease"))
	} else {
		Eventually(session.Err).Should(gbytes.Say("Starting workers"))
	}
	return session
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

var _ = Describe("Replicas", func() {
	It("hand over when the leader is killed, and when it is frozen until its lease is another's", func(ctx SpecContext) {
		play(ctx, scene{idle: true}, func(s *story) {
			leads := func(r *gexec.Session) {
				GinkgoHelper()
				Eventually(r.Err).WithTimeout(time.Minute).Should(gbytes.Say("Starting workers"))
			}
			first := s.replica(true)
			leads(first)
			second := s.replica(true)
			one, two, three := make(chan struct{}), make(chan struct{}), make(chan struct{})
			run := s.run(ctx, "handed-over", phases(
				suite("first", s.image("first", tests(good, until(one)))),
				suite("second", s.image("second", tests(bad, until(two)))),
				suite("third", s.image("third", tests(good, until(three)))),
			), func(r *v1alpha1.ValidationRun) { r.Spec.Phases[1].OnFailure = v1alpha1.Continue })
			runs(ctx, run, "first")

			By("killing the leader while a phase runs")
			first.Kill().Wait()
			close(one)
			leads(second)
			runs(ctx, run, "second")

			By("freezing the next one")
			third := s.replica(true)
			second.Signal(syscall.SIGSTOP)
			close(two)
			leads(third)
			runs(ctx, run, "third")
			close(three)
			out := settled(ctx, run, 1)
			Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictFailed))
			Expect(out.Status.Summary).To(Equal(v1alpha1.Summary{Total: 6, Passed: 5, Failed: 1}))

			By("waking it up: it has lost, and goes")
			second.Signal(syscall.SIGCONT)
			Eventually(second).WithTimeout(time.Minute).Should(gexec.Exit(1))
			after := settled(ctx, run, 1)
			Expect(after.Status).To(Equal(out.Status))
			other := s.run(ctx, "later", phases(smoke("only", s.image("later", podlet.Runs()))))
			passes(ctx, other, 1)
			s.end(ctx)
			third.Kill().Wait()
		})
	})
})
