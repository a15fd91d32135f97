package crash

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/controlplane"
)

// history is what the audit log says of one telling.
type history struct {
	telling *telling
	jobs    map[string]int // created, by name
	said    map[said]string
}

// said is something that status may say once: the outcome of a phase, or with an empty phase the verdict.
type said struct {
	attempt int64
	phase   string
}

// told remembers a telling for the audit.
func (w *world) told(t *telling) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tellings = append(w.tellings, t)
}

// checkAudit checks in what the API server has answered that no Job was made twice, that as many were made as undisturbed, and that no
// outcome changed once it was recorded.
func (w *world) checkAudit(t *testing.T) {
	events, err := controlplane.ReadAudit(w.plane.AuditLogPath)
	must(t, err)
	histories := map[string]*history{}
	for _, told := range w.tellings {
		histories[told.namespace] = &history{telling: told, jobs: map[string]int{}, said: map[said]string{}}
	}
	for _, e := range events {
		if h := histories[e.Namespace]; h != nil && e.Code < http.StatusBadRequest {
			h.add(t, e)
		}
	}
	undisturbed := map[string]int{}
	for _, told := range w.tellings { // the first of a story is undisturbed
		h := histories[told.namespace]
		for name, times := range h.jobs {
			if times > 1 {
				t.Errorf("%s, %s: Job %s was created %d times", told.story.name, told, name, times)
			}
		}
		if _, ok := undisturbed[told.story.name]; !ok {
			undisturbed[told.story.name] = len(h.jobs)
		}
		if want := undisturbed[told.story.name]; len(h.jobs) != want || want == 0 {
			t.Errorf("%s, %s: %d Jobs were created, want %d", told.story.name, told, len(h.jobs), want)
		}
	}
}

func (h *history) add(t *testing.T, e controlplane.AuditEvent) {
	t.Helper()
	switch {
	case e.Verb == "create" && e.Resource == "jobs" && e.Subresource == "":
		h.jobs[e.Name]++
	case e.Resource == "validationruns" && e.Subresource == "status":
		run := &v1alpha1.ValidationRun{}
		must(t, json.Unmarshal(e.Response, run))
		attempt := run.Status.Attempt
		if run.Status.Verdict != "" {
			h.say(t, said{attempt: attempt}, string(run.Status.Verdict)+": "+run.Status.Message)
		}
		for _, p := range run.Status.Phases {
			if p.State.Ended() {
				h.say(t, said{attempt: attempt, phase: p.Name}, string(p.State)+" "+p.Reason+": "+p.Message)
			}
		}
	}
}

func (h *history) say(t *testing.T, what said, now string) {
	t.Helper()
	if before, ok := h.said[what]; ok && before != now {
		t.Errorf("%s, %s: of attempt %d, phase %q, status said %q and then %q", h.telling.story.name, h.telling, what.attempt, what.phase, before, now)
	}
	h.said[what] = now
}
