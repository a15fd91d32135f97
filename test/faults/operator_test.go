package faults

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/validation-operator/validation-operator/internal/controller"
)

const (
	operatorNamespace = "validation-operator-system"
	managerRole       = "validation-operator-manager-role"
)

// operator is one that works in one namespace, over a link of its own.
type operator struct {
	cancel context.CancelFunc
	ended  chan error
}

// setup is what an operator is put together from.
type setup struct {
	user      *rest.Config
	namespace string
	clock     clock.PassiveClock
	// elects is an operator that works only while it holds a lease.
	elects bool
}

// newManager puts an operator together as its command does.
func newManager(ctx context.Context, with setup) (ctrl.Manager, error) {
	caches := controller.CacheOptions()
	caches.DefaultNamespaces = map[string]cache.Config{with.namespace: {}}
	mgr, err := ctrl.NewManager(with.user, ctrl.Options{
		Scheme:                        scheme,
		Cache:                         caches,
		Metrics:                       metricsserver.Options{BindAddress: "0"},
		HealthProbeBindAddress:        "0",
		Controller:                    config.Controller{SkipNameValidation: new(true)}, // one process, many operators
		LeaderElection:                with.elects,
		LeaderElectionID:              "validation-operator." + with.namespace,
		LeaderElectionNamespace:       operatorNamespace,
		LeaderElectionReleaseOnCancel: true,
		LeaseDuration:                 new(8 * time.Second),
		RenewDeadline:                 new(5 * time.Second),
		RetryPeriod:                   new(time.Second),
	})
	if err != nil {
		return nil, err
	}
	reconciler, err := controller.New(mgr)
	if err != nil {
		return nil, err
	}
	reconciler.Clock = with.clock
	return mgr, reconciler.SetupWithManager(ctx, mgr)
}

// startOperator returns once the operator's caches are filled.
func (s *story) startOperator() *operator {
	GinkgoHelper()
	s.starts++
	user := rest.CopyConfig(s.user)
	user.Wrap(s.link.wrap)
	ctx, cancel := context.WithCancel(context.Background())
	mgr, err := newManager(ctx, setup{user: user, namespace: s.namespace, clock: s.clock})
	if err != nil {
		cancel()
		Fail(err.Error())
	}
	o := &operator{cancel: cancel, ended: make(chan error, 1)}
	go func() { o.ended <- mgr.Start(ctx) }()
	Expect(mgr.GetCache().WaitForCacheSync(ctx)).To(BeTrue())
	return o
}

// stop ends the operator and returns when nothing of it runs any more.
func (o *operator) stop() {
	GinkgoHelper()
	o.cancel()
	Eventually(o.ended).WithTimeout(time.Minute).Should(Receive())
}

// accounts numbers the identities of operators.
var accounts atomic.Int32

// newIdentity is an operator's identity: with the rights that the operator is installed with, by a role of its own.
func newIdentity(ctx context.Context) (*rest.Config, *rbacv1.ClusterRole) {
	GinkgoHelper()
	name := fmt.Sprintf("operator-%d", accounts.Add(1))
	installed := &rbacv1.ClusterRole{}
	Expect(k8s.Get(ctx, client.ObjectKey{Name: managerRole}, installed)).To(Succeed())
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: append(installed.Rules, rbacv1.PolicyRule{
		APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: []string{"get", "create", "update"},
	})}
	Expect(k8s.Create(ctx, role)).To(Succeed())
	Expect(k8s.Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: operatorNamespace, Name: name}},
	})).To(Succeed())
	return plane.ServiceAccountConfig(operatorNamespace, name), role
}
