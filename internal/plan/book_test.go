package plan

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// book is what has been seen of a run from outside: what is checked is held against it, and no operator knows it.
type book struct {
	// steps is how many there were, writes how many writes and statuses how many of status without an event since.
	steps, writes, statuses int
	// created counts the Jobs of an item, exits are the exit codes of validators by Job.
	created map[workload.Item]int
	exits   map[string]int32
	// lives are all Jobs there ever were.
	lives map[string]*simJob
	// begun is what the current attempt began with, all what each status was published with.
	begun beginning
	all   []beginning
	// outcomes are the phases that ended, by attempt, and verdicts those of attempts.
	outcomes map[int64]map[string]v1alpha1.PhaseStatus
	verdicts map[int64]v1alpha1.Verdict
	// letters are the outcomes of items, by attempt and phase.
	letters map[int64]map[string]string
	// highest is the highest attempt that was ever begun.
	highest int64
	// highestLimit is the highest historyLimit there was, and forged says that somebody else wrote status.
	highestLimit int
	forged       bool
	// excused are ConfigMaps that somebody deleted, or that a restored status names and that had gone.
	excused map[string]bool
	// forgeries are ConfigMaps of evidence that somebody else wrote.
	forgeries map[string]bool
	// away is for how long the current attempt had no operator, idle for how long it was suspended, since when the last time began.
	away, idle time.Duration
	since      time.Time
}

// beginning is what an attempt began with, and a status that it had.
type beginning struct {
	attempt int64
	spec    string
	// rerun is the last value of the annotation that was answered.
	rerun   string
	timeout time.Duration
	status  *v1alpha1.ValidationRunStatus
}

func newBook() book {
	return book{
		created: map[workload.Item]int{}, exits: map[string]int32{}, lives: map[string]*simJob{}, excused: map[string]bool{},
		forgeries: map[string]bool{},
		outcomes:  map[int64]map[string]v1alpha1.PhaseStatus{}, verdicts: map[int64]v1alpha1.Verdict{},
		letters: map[int64]map[string]string{},
	}
}

// event is something that happens, or time that goes by.
func (b *book) event() { b.writes, b.statuses = 0, 0 }

// resumed minds the time of a suspension.
func (b *book) resumed(w *world, was bool) {
	switch is := w.run.Spec.Suspend; {
	case is && !was:
		b.since = w.now
	case was && !is:
		b.idle += w.now.Sub(b.since)
	}
}

func (b *book) idleFor(w *world) time.Duration {
	if w.run.Spec.Suspend {
		return b.idle + w.now.Sub(b.since)
	}
	return b.idle
}

// begin opens the page of an attempt.
func (b *book) begin(w *world, attempt int64) {
	b.begun = beginning{
		attempt: attempt, spec: w.encodedSpec(), timeout: w.timeout(),
		rerun: cmp.Or(w.run.Annotations[v1alpha1.AnnotationRerun], b.begun.rerun),
	}
	b.away, b.idle, b.since = 0, 0, w.now
	delete(b.outcomes, attempt)
	delete(b.verdicts, attempt)
	delete(b.letters, attempt)
	b.highest = max(b.highest, attempt)
}

// froze notes that an attempt validates the spec as it is now: it had come to nothing yet.
func (b *book) froze(w *world, attempt int64) {
	if b.begun.attempt == attempt {
		b.begun.spec, b.begun.timeout = w.encodedSpec(), w.timeout()
	}
}

// published takes down what status says.
func (b *book) published(w *world) {
	s := &w.run.Status
	if s.Attempt != b.begun.attempt {
		b.begin(w, s.Attempt)
	}
	now := b.begun
	now.status = new(*s) // nobody changes it: each status is written whole
	b.all = append(b.all, now)
	for _, p := range s.Phases {
		if p.FanOut != nil {
			if b.letters[s.Attempt] == nil {
				b.letters[s.Attempt] = map[string]string{}
			}
			b.letters[s.Attempt][p.Name] = p.FanOut.Outcomes
		}
		if p.State.Ended() {
			if b.outcomes[s.Attempt] == nil {
				b.outcomes[s.Attempt] = map[string]v1alpha1.PhaseStatus{}
			}
			b.outcomes[s.Attempt][p.Name] = p
		}
	}
	if s.Verdict != "" {
		b.verdicts[s.Attempt] = s.Verdict
	}
	for _, past := range s.History {
		b.verdicts[past.Attempt] = past.Verdict
	}
}

// forge takes back what somebody has overwritten: only what the new status says has been.
func (b *book) forge(w *world, s v1alpha1.ValidationRunStatus) {
	i := slices.IndexFunc(b.all, func(old beginning) bool { return old.status != nil && equalJSON(old.status, &s) })
	b.begun, b.forged = beginning{}, true
	if i >= 0 {
		b.begun = b.all[i]
	}
	if cm := w.configMaps[workload.InputName(w.run, s.Attempt, workload.InputSpec)]; i >= 0 && cm != nil {
		b.begun.spec = string(cm.data)
	}
	delete(b.outcomes, s.Attempt)
	delete(b.verdicts, s.Attempt)
	delete(b.letters, s.Attempt)
	for _, past := range s.History {
		b.verdicts[past.Attempt] = past.Verdict
	}
	for _, name := range namesOf(&s) {
		if w.configMaps[name] == nil {
			b.excused[name] = true
		}
	}
	b.forget(w)
	b.away += 24 * time.Hour // whatever the deadline of a forged attempt is
}

// forget drops what is known of attempts that neither status nor a child bears the number of any more: it will be given again.
func (b *book) forget(w *world) {
	b.highest = max(w.run.Status.Attempt, w.highest())
	maps.DeleteFunc(b.verdicts, func(attempt int64, _ v1alpha1.Verdict) bool { return attempt > b.highest })
	maps.DeleteFunc(b.letters, func(attempt int64, _ map[string]string) bool { return attempt > b.highest })
	maps.DeleteFunc(b.outcomes, func(attempt int64, _ map[string]v1alpha1.PhaseStatus) bool { return attempt > b.highest })
}

func equalJSON(a, b *v1alpha1.ValidationRunStatus) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

// namesOf are the ConfigMaps that a status names.
func namesOf(s *v1alpha1.ValidationRunStatus) (names []string) {
	for _, r := range s.Results {
		names = append(names, r.ConfigMap)
	}
	for _, in := range s.Inputs {
		names = append(names, in.ConfigMap)
	}
	if s.LastCompleted != nil {
		names = append(names, s.LastCompleted.ConfigMap)
	}
	for _, past := range s.History {
		names = append(names, past.ConfigMap)
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}

// proves says whether a Job's script, lived to its end, is proof.
func (s script) proves(p *v1alpha1.Phase) bool {
	if p.Container != nil {
		return s.code == 0
	}
	if isAsk(p) {
		return len(s.tests) > 0
	}
	passed := false
	for _, test := range s.selected(p) {
		how, _, _ := strings.Cut(test, " ")
		if how != "pass" && how != "skip" {
			return false
		}
		passed = passed || how == "pass"
	}
	return passed
}

// fails says whether a Job's script has a failure in it.
func (s script) fails(p *v1alpha1.Phase) bool {
	if p.Container != nil {
		return s.code == 1
	}
	return slices.ContainsFunc(s.selected(p), func(test string) bool { return strings.HasPrefix(test, "fail ") })
}
