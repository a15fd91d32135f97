package controller

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
	"github.com/validation-operator/validation-operator/internal/metrics"
	"github.com/validation-operator/validation-operator/internal/plan"
	"github.com/validation-operator/validation-operator/internal/podlog"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/workload"
)

const (
	// checkpointKey holds a checkpoint in its ConfigMap.
	checkpointKey = "checkpoint.json.gz"
	// checkpointFrom is how long a log has to be to be checkpointed: the kubelet rotates one at 10 MiB by default, of which each line's
	// prefix takes 40 bytes and more, and what is rotated away no other process can read.
	checkpointFrom = 4 << 20
	// checkpointBytes is how much more makes it worth another one, and checkpointEvery how long it stays worth it for less.
	checkpointBytes = 1 << 20
	checkpointEvery = 30 * time.Second
	// resumeAfter is how long a validator runs before it may have a checkpoint.
	resumeAfter = 3 * time.Second
	// maxCheckpoint bounds what a checkpoint may unpack to.
	maxCheckpoint = 64 << 20
)

// savedAt is what the last checkpoint of a log held.
type savedAt struct {
	at     time.Time // or when reading began
	bytes  int64
	failed int
	object *corev1.ConfigMap
}

// checkpoint is what was read of a validator's log, and where to go on: of a long log, or one in which a failure was read.
type checkpoint struct {
	// Pod is the pod as it was seen last.
	Pod plan.Pod
	// List is its list of tests.
	List []byte
	// Place and Stream are podlog's and gotest's.
	Place, Stream []byte
	// State is what is known of the log.
	State podlog.State
}

// due says whether a checkpoint is worth being written.
func (s savedAt) due(state podlog.State, failed int, now time.Time) bool {
	switch {
	case state.Ended || state.Bytes == s.bytes || now.Sub(s.at) < noticeEvery:
		return false
	case failed > s.failed && s.failed == 0:
		return true // whatever comes after it, the outcome is proven
	case failed > s.failed && now.Sub(s.at) >= checkpointEvery:
		return true
	case state.Bytes+40*state.Lines < checkpointFrom:
		return false
	}
	return state.Bytes-s.bytes >= checkpointBytes || now.Sub(s.at) >= checkpointEvery
}

// checkpoint writes down how far the logs of followed pods were read. That it could not is no reason to stop: the next process then reads
// what the kubelet still has.
func (r *Reconciler) checkpoint(ctx context.Context, run *v1alpha1.ValidationRun, d plan.Decision, seen plan.Observed) {
	if !run.DeletionTimestamp.IsZero() {
		return
	}
	for _, uid := range d.Follow {
		if e := r.follows.entry(uid); e != nil {
			r.checkpointOne(ctx, run, uid, e, seen)
		}
	}
}

func (r *Reconciler) checkpointOne(ctx context.Context, run *v1alpha1.ValidationRun, uid types.UID, e *followed, seen plan.Observed) {
	data, now := r.follows.paper(uid, e, r.Clock.Now())
	if data == nil {
		return
	}
	for _, job := range seen.Jobs {
		if job.Name == e.job {
			if err := r.writeCheckpoint(ctx, run, job.Item, e, data); err != nil {
				logf.FromContext(ctx).Info("Checkpoint of a log cannot be written", "job", job.Name, "error", err.Error())
				return
			}
			now.object = e.saved.object
			e.saved = now
		}
	}
}

func (r *Reconciler) writeCheckpoint(ctx context.Context, run *v1alpha1.ValidationRun, item workload.Item, e *followed, data []byte) error {
	if cm := e.saved.object; cm != nil {
		cm.BinaryData = map[string][]byte{checkpointKey: data}
		if err := r.Client.Update(ctx, cm); err != nil {
			e.saved.object = nil // it may be another's by now: read it before the next one
			return fmt.Errorf("updating it: %w", err)
		}
		return nil
	}
	cm := &corev1.ConfigMap{
		ObjectMeta: workload.Meta(run, workload.CheckpointName(run, item), workload.ComponentEvidence, item.Attempt),
		BinaryData: map[string][]byte{checkpointKey: data},
	}
	cm.Labels[v1alpha1.LabelPhase] = item.Phase
	cm, err := createOwned(ctx, r, run, cm)
	if err != nil {
		return err
	}
	e.saved.object = cm
	if !bytes.Equal(cm.BinaryData[checkpointKey], data) {
		return r.writeCheckpoint(ctx, run, item, e, data)
	}
	return nil
}

// paper is the checkpoint of a pod, nil where none is due.
func (f *follows) paper(uid types.UID, e *followed, now time.Time) ([]byte, savedAt) {
	out := checkpoint{Pod: e.last}
	f.set.View(uid, workload.ListContainer, func(state podlog.State) {
		if state.Complete() && !e.list.full {
			out.List = bytes.Clone(e.list.text)
		}
	})
	var data []byte
	saved := savedAt{at: now}
	_, err := f.set.Save(uid, workload.ValidatorContainer, func(state podlog.State, place []byte) {
		if saved.bytes, saved.failed = state.Bytes, e.stream.Progress().Failures; e.saved.due(state, saved.failed, now) {
			out.Place, out.State = place, state
			data = out.encode(e.stream)
		}
	})
	if err != nil {
		return nil, saved
	}
	return data, saved
}

// encode makes a checkpoint fit into a ConfigMap, by less and less of what the tests printed. It is nil if it never does.
func (c *checkpoint) encode(stream *gotest.Stream) []byte {
	for _, limit := range []int{16 << 10, 2 << 10, 256, 0} {
		var err error
		if c.Stream, err = stream.Save(limit); err != nil {
			return nil
		}
		text, err := json.Marshal(c)
		if err != nil || len(text) > maxCheckpoint {
			continue
		}
		var packed bytes.Buffer
		w, _ := gzip.NewWriterLevel(&packed, gzip.BestSpeed) // a level that there is
		_, err = w.Write(text)
		if err == nil && w.Close() == nil && packed.Len() <= report.MaxBytes {
			return packed.Bytes()
		}
	}
	return nil
}

// restored is a checkpoint that was read: with its stream, and the object that held it.
type restored struct {
	checkpoint
	stream *gotest.Stream
	object *corev1.ConfigMap
}

func decodeCheckpoint(cm *corev1.ConfigMap) (*restored, error) {
	packed, err := gzip.NewReader(bytes.NewReader(cm.BinaryData[checkpointKey]))
	if err != nil {
		return nil, fmt.Errorf("unpacking it: %w", err)
	}
	out := &restored{object: cm}
	if err := json.NewDecoder(io.LimitReader(packed, maxCheckpoint)).Decode(&out.checkpoint); err != nil {
		return nil, fmt.Errorf("decoding it: %w", err)
	}
	out.stream, err = gotest.Restore(gotest.DefaultLimits(), out.Stream)
	return out, err
}

// readCheckpoint reads the checkpoint of a Job's log, nil where there is none that can be read.
func (r *Reconciler) readCheckpoint(ctx context.Context, run *v1alpha1.ValidationRun, item workload.Item) (*restored, error) {
	cm := &corev1.ConfigMap{}
	err := r.Live.Get(ctx, types.NamespacedName{Namespace: run.Namespace, Name: workload.CheckpointName(run, item)}, cm)
	if apierrors.IsNotFound(err) || err == nil && !metav1.IsControlledBy(cm, run) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("getting the checkpoint of a log: %w", err)
	}
	out, err := decodeCheckpoint(cm)
	if err != nil {
		logf.FromContext(ctx).Info("Checkpoint of a log cannot be used", "configMap", cm.Name, "error", err.Error())
		return nil, nil // what cannot be read is as good as gone
	}
	return out, nil
}

// resume takes up the log of a pod that an earlier process read.
func (r *Reconciler) resume(ctx context.Context, run *v1alpha1.ValidationRun, job plan.Job, pod plan.Pod) error {
	now := r.Clock.Now()
	if r.follows.entry(pod.UID) != nil || pod.Gone || pod.Validator.Started.IsZero() {
		return nil
	}
	// A start in the future is by a clock that is ahead, and says nothing.
	if age := now.Sub(pod.Validator.Started); age >= 0 && age < resumeAfter {
		return nil
	}
	key := client.ObjectKeyFromObject(run)
	c, err := r.readCheckpoint(ctx, run, job.Item)
	if err != nil {
		r.follows.seek(string(pod.UID), key, err, now)
		return err
	}
	r.follows.found(string(pod.UID))
	if c == nil || c.Pod.UID != pod.UID || c.Pod.Validator.ID != pod.Validator.ID {
		return nil
	}
	r.follows.mu.Lock()
	defer r.follows.mu.Unlock()
	e := r.follows.add(pod.UID, key, job.Name, now)
	e.stream, e.place, e.meter = c.stream, c.Place, metrics.Resumed(c.State.Bytes, len(c.State.Gaps))
	e.saved = savedAt{at: now, bytes: c.State.Bytes, failed: c.stream.Progress().Failures, object: c.object}
	return nil
}

// recall is a pod that is gone, by the checkpoint of its log: what an earlier process had read of it counts. Where that cannot be had, it is
// waited for, but no longer than what is judged by it can wait; of a run that is being deleted nothing is.
func (r *Reconciler) recall(ctx context.Context, run *v1alpha1.ValidationRun, item workload.Item) ([]plan.Pod, error) {
	if !run.DeletionTimestamp.IsZero() {
		return nil, nil
	}
	name, now := workload.CheckpointName(run, item), r.Clock.Now()
	c, err := r.readCheckpoint(ctx, run, item)
	if err != nil {
		since := r.follows.seek(name, client.ObjectKeyFromObject(run), err, now)
		if !plan.GivesUp(run, since, now) {
			return nil, err
		}
		logf.FromContext(ctx).Info("Checkpoint of a log is given up", "configMap", name, "error", err.Error())
		return nil, nil
	}
	if r.follows.found(name); c == nil {
		return nil, nil
	}
	pod := c.Pod
	pod.Gone = true
	pod.Log = plan.Log{
		Missing: "it was not read to its end", Progress: c.stream.Progress(), Stream: c.stream.Result(),
	}
	_, pod.Log.Gaps = missing(c.State)
	lookAtMessage(&pod)
	if len(c.List) > 0 {
		pod.Listing = plan.Listing{Read: true, Tests: gotest.ParseList(c.List)}
	}
	return []plan.Pod{pod}, nil
}
