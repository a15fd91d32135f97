package plan

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

func TestBlockedByAContainerThatWaits(t *testing.T) {
	tests := []struct {
		reason, message string
		want            string // the block's reason, with ! where it is final
	}{
		{"", "", ""},
		{"ContainerCreating", "", ""},
		{"PodInitializing", "", ""},
		{"InvalidImageName", `Failed to apply default image tag "A": couldn't parse image name`, v1alpha1.ReasonInvalidImage + "!"},
		{"ErrImageNeverPull", `Container image "v" is not present with pull policy of Never`, v1alpha1.ReasonInvalidImage + "!"},
		{"ErrImagePull", "failed to resolve reference: not found", v1alpha1.ReasonImagePullFailed},
		{"ImagePullBackOff", `Back-off pulling image "v"`, v1alpha1.ReasonImagePullFailed},
		{"ImageInspectError", "", v1alpha1.ReasonImagePullFailed},
		{"RegistryUnavailable", "", v1alpha1.ReasonImagePullFailed},
		{"SignatureValidationFailed", "", v1alpha1.ReasonImagePullFailed},
		{"CreateContainerConfigError", `configmap "settings" not found`, v1alpha1.ReasonInputMissing},
		{"CreateContainerConfigError", `secret "token" not found`, v1alpha1.ReasonInputMissing},
		{"CreateContainerConfigError", "couldn't find key k in ConfigMap ns/settings", v1alpha1.ReasonInputMissing},
		{"CreateContainerConfigError", "container has runAsNonRoot and image will run as root", v1alpha1.ReasonContainerNotCreated},
		{"CreateContainerError", "context deadline exceeded", v1alpha1.ReasonContainerNotCreated},
		{"CreateContainerError", "failed to generate spec: no command specified", v1alpha1.ReasonStartFailed + "!"},
		{"RunContainerError", "failed to create containerd task", v1alpha1.ReasonContainerNotCreated},
		{"SomethingOfAYearToCome", "", v1alpha1.ReasonContainerNotCreated},
	}
	for _, test := range tests {
		for where, shapes := range map[string][]shape{
			"list": {list(waitingFor(test.reason, test.message))}, "validator": {validator(waitingFor(test.reason, test.message))},
		} {
			t.Run(where+"/"+test.reason+" "+test.message, func(t *testing.T) {
				pod := Look(newPod(shapes...))
				if got := see(pod).blocked; got != test.want {
					t.Fatalf("blocked by %q, want %q", got, test.want)
				}
				if pod.Blocked == nil {
					return
				}
				if !strings.Contains(pod.Blocked.Message, test.message) || pod.Blocked.Message == "" {
					t.Errorf("message %q does not say %q", pod.Blocked.Message, test.message)
				}
			})
		}
	}
}

func TestAValidatorThatHasStartedIsNotBlocked(t *testing.T) {
	pod := Look(newPod(validator(runningSince(4)), func(pod *corev1.Pod) {
		pod.Status.InitContainerStatuses[0].State = waitingFor("ImagePullBackOff", "")
	}))
	if pod.Blocked != nil {
		t.Errorf("blocked: %+v", pod.Blocked)
	}
}

func event(reason, note string, second int) eventsv1.Event {
	return eventsv1.Event{Reason: reason, Note: note, EventTime: metav1.NewMicroTime(at(second).Time)}
}

func TestBlockedByWhatTheEventsSay(t *testing.T) {
	type events = []eventsv1.Event
	// refused is the Job controller's event about a pod that it could not create.
	refused := func(note string) events { return events{event("FailedCreate", "Error creating: "+note, 1)} }
	quota := eventsv1.Event{Reason: "FailedCreate", Note: "exceeded quota"}
	repeated, older := quota, quota
	repeated.EventTime = metav1.NewMicroTime(epoch)
	repeated.Series = &eventsv1.EventSeries{LastObservedTime: metav1.NewMicroTime(at(60).Time)}
	older.DeprecatedLastTimestamp = at(60)
	tests := []struct {
		name   string
		read   func([]eventsv1.Event) *Block
		events events
		want   string
	}{
		{"a Job without events", BlockedJob, nil, ""},
		{"a Job that has made its pod", BlockedJob, events{event("SuccessfulCreate", "Created pod: x", 1)}, ""},
		{"a quota on what the pod does not say", BlockedJob, refused(`pods "x" is forbidden: failed quota: q: must specify limits.memory for: validator`),
			v1alpha1.ReasonQuotaExceeded},
		{"Pod Security", BlockedJob, refused(`pods "x" is forbidden: violates PodSecurity "restricted": privileged`), v1alpha1.ReasonForbidden + "!"},
		{"a quota", BlockedJob, refused(`pods "x" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1`),
			v1alpha1.ReasonQuotaExceeded},
		{"a ServiceAccount that is missing", BlockedJob,
			refused(`pods "x" is forbidden: error looking up service account ns/v: serviceaccount "v" not found`), v1alpha1.ReasonInputMissing},
		{"a pod that is none", BlockedJob, refused(`Pod "x" is invalid: spec.containers[0].volumeMounts[0].name: Not found: "absent"`),
			v1alpha1.ReasonInvalidSpec + "!"},
		{"a webhook that is down", BlockedJob, refused(`Internal error occurred: failed calling webhook "w": connection refused`),
			v1alpha1.ReasonPodNotCreated},
		{"a webhook that says no", BlockedJob, refused(`admission webhook "w" denied the request: no`), v1alpha1.ReasonPodNotCreated},
		{"a LimitRange", BlockedJob, refused(`pods "x" is forbidden: maximum cpu usage per Container is 1`), v1alpha1.ReasonPodNotCreated},
		{"the newest counts", BlockedJob, events{
			event("FailedCreate", "exceeded quota", 5), event("FailedCreate", "failed calling webhook", 9), event("FailedCreate", "x", 7),
		}, v1alpha1.ReasonPodNotCreated},
		{"a series is as new as its last", BlockedJob, events{repeated, event("FailedCreate", "x", 30)}, v1alpha1.ReasonQuotaExceeded},
		{"an event of the older API", BlockedJob, events{event("FailedCreate", "x", 30), older}, v1alpha1.ReasonQuotaExceeded},

		{"a pod without events", BlockedPod, nil, ""},
		{"a pod that was pulled", BlockedPod, events{event("Pulled", "", 1), event("Scheduled", "", 0)}, ""},
		{"a volume's ConfigMap", BlockedPod, events{event("FailedMount", `MountVolume.SetUp failed for volume "x" : configmap "y" not found`, 1)},
			v1alpha1.ReasonInputMissing},
		{"a volume's key", BlockedPod, events{event("FailedMount", `MountVolume.SetUp failed : references non-existent config key: k`, 1)},
			v1alpha1.ReasonInputMissing},
		{"a volume that does not attach", BlockedPod, events{event("FailedAttachVolume", "Multi-Attach error", 1)}, v1alpha1.ReasonContainerNotCreated},
		{"no sandbox", BlockedPod, events{event("FailedCreatePodSandBox", `no runtime for "nvidia"`, 1)}, v1alpha1.ReasonContainerNotCreated},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if b := test.read(test.events); b != nil {
				if got = b.Reason; b.Final {
					got += "!"
				}
				if b.Message == "" {
					t.Error("no message")
				}
			}
			if got != test.want {
				t.Errorf("blocked by %q, want %q", got, test.want)
			}
		})
	}
}

func TestAnEventWithoutATimeIsTheOldest(t *testing.T) {
	got := BlockedJob([]eventsv1.Event{{Reason: "FailedCreate", Note: "exceeded quota"}, event("FailedCreate", "other", int(time.Hour.Seconds()))})
	if got == nil || got.Reason != v1alpha1.ReasonPodNotCreated {
		t.Errorf("blocked by %+v", got)
	}
}
