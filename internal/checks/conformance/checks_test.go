package conformance

import (
	"testing"
	"time"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
)

// evaluated are the constraints that the checks of this package judge.
var evaluated []string

const (
	// podTime bounds what takes a pod, requestTime what takes requests alone, slowTime what waits for a controller that looks
	// but now and then, for a volume, or for a pod of each driver.
	podTime     = 3 * time.Minute
	requestTime = time.Minute
	slowTime    = 5 * time.Minute
	// aloneTime is requestTime for what only one run at a time can do.
	aloneTime = cluster.TurnTime + requestTime
)

// What each check proves, needs and mends says the README beside.

func TestJobCompletes(t *testing.T)       { cluster.Try(t, podTime, JobCompletes) }
func TestConfigMapMount(t *testing.T)     { cluster.Try(t, podTime, ConfigMapMount) }
func TestImmutableConfigMap(t *testing.T) { cluster.Try(t, requestTime, ImmutableConfigMap) }
func TestServiceEndpoints(t *testing.T)   { cluster.Try(t, podTime, ServiceEndpoints) }
func TestGarbageCollection(t *testing.T)  { cluster.Try(t, podTime, GarbageCollection) }
func TestAccessDenied(t *testing.T)       { cluster.Try(t, requestTime, AccessDenied) }
func TestAnonymousDenied(t *testing.T)    { cluster.Try(t, requestTime, AnonymousDenied) }
func TestPodSecurity(t *testing.T)        { cluster.Try(t, requestTime, PodSecurity) }
func TestPVCLifecycle(t *testing.T)       { cluster.Try(t, slowTime, PVCLifecycle) }
func TestHPA(t *testing.T)                { cluster.Try(t, slowTime, HPA) }
func TestAdmissionPolicy(t *testing.T)    { cluster.Try(t, aloneTime, AdmissionPolicy) }
func TestWebhookLifecycle(t *testing.T)   { cluster.Try(t, aloneTime, WebhookLifecycle) }
func TestCRDLifecycle(t *testing.T)       { cluster.Try(t, aloneTime, CRDLifecycle) }
func TestGangScheduling(t *testing.T)     { cluster.Try(t, podTime, GangScheduling) }
func TestDRA(t *testing.T)                { cluster.Try(t, slowTime, DRA) }
func TestAPIServerMetrics(t *testing.T)   { cluster.Try(t, requestTime, APIServerMetrics) }
func TestNodeMetrics(t *testing.T)        { cluster.Try(t, requestTime, NodeMetrics) }
