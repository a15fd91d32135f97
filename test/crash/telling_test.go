package crash

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

// telling is a story as it is told once.
type telling struct {
	world     *world
	story     story
	namespace string
	point     crashPoint
	log       log
	first     *operator
	lives     sync.WaitGroup
	stop      context.CancelFunc
}

// tell tells the story. What goes wrong fails the test; what has come of it can be looked at all the same.
func (s *sweep) tell(t *testing.T, point crashPoint) *telling {
	t.Helper()
	s.world.places <- struct{}{}
	ctx, stop := context.WithCancel(t.Context())
	told := &telling{world: s.world, story: s.story, point: point, stop: stop}
	err := told.begin(ctx)
	if err == nil {
		err = told.play(ctx)
	}
	if err != nil {
		t.Errorf("%s: %v\nthe operators' log:\n%s", told, err, told.log.String())
	}
	return told
}

// begin makes a place of its own for the telling, with an operator.
func (t *telling) begin(ctx context.Context) (err error) {
	labels := map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}
	if t.namespace, err = t.world.plane.CreateNamespace(ctx, "crash-", labels); err != nil {
		return fmt.Errorf("creating a namespace: %w", err)
	}
	if t.first, err = t.world.startOperator(ctx, t.namespace, t.point, &t.log); err != nil {
		return err
	}
	t.world.told(t)
	t.lives.Go(func() { t.live(ctx) })
	return nil
}

func (t *telling) play(ctx context.Context) error {
	if t.story.recipe != "" {
		cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, Name: recipeName}, Data: map[string]string{"recipe.yaml": t.story.recipe}}
		if err := t.world.k8s.Create(ctx, cm); err != nil {
			return fmt.Errorf("creating the recipe: %w", err)
		}
	}
	if err := t.world.k8s.Create(ctx, t.story.run(t.namespace)); err != nil {
		return fmt.Errorf("creating the run: %w", err)
	}
	for _, act := range t.story.acts {
		if err := act.do(ctx, t); err != nil {
			return fmt.Errorf("%s: %w", act.what, err)
		}
	}
	return nil
}

// live has one operator after the other: the next begins once the one that was killed is gone.
func (t *telling) live(ctx context.Context) {
	<-t.first.ended
	if ctx.Err() != nil || !t.first.wire.isDead() {
		fmt.Fprintf(&t.log, "--- the operator ended: %v\n", t.first.err)
		return
	}
	fmt.Fprintf(&t.log, "--- %s; the next operator starts\n", t)
	second, err := t.world.startOperator(ctx, t.namespace, crashPoint{}, &t.log)
	if err != nil {
		fmt.Fprintf(&t.log, "--- the next operator does not start: %v\n", err)
		return
	}
	<-second.ended
}

// leave ends the operator, and makes room for another telling. It returns what the first operator has written.
func (t *telling) leave() (writes []string) {
	t.stop()
	t.lives.Wait()
	<-t.world.places
	if t.first == nil {
		return nil
	}
	return t.first.wire.written()
}

// killed says whether the operator was.
func (t *telling) killed() bool { return t.first != nil && t.first.wire.isDead() }

// String says where the operator was killed.
func (t *telling) String() string {
	if t.point.write == 0 {
		return "undisturbed"
	}
	side, at := "before", "which is not made"
	if t.point.sent {
		side = "after"
	}
	if t.killed() {
		at = t.first.wire.killedAt()
	}
	return fmt.Sprintf("killed %s write %d (%s)", side, t.point.write, at)
}

const (
	// lookEvery is how often an end is looked at.
	lookEvery = 200 * time.Millisecond
	// looksAtRest is how many looks in a row have to show the same of an end before it is taken for one: other controllers take longer.
	looksAtRest = 10
	// settleTime is how long the garbage collector may take for what the run has left to it.
	settleTime = 30 * time.Second
)

// rest waits until nothing changes any more.
func (t *telling) rest(ctx context.Context) (string, error) {
	var last string
	same := 0
	err := wait.PollUntilContextTimeout(ctx, lookEvery, patience, true, func(ctx context.Context) (bool, error) {
		now, err := t.look(ctx)
		if same++; now != last {
			same = 0
		}
		last = now
		return same == looksAtRest, err
	})
	if err != nil {
		return last, fmt.Errorf("waiting for it to come to rest: %w", err)
	}
	return last, nil
}

// differs waits until the story has ended as it should. It is what is otherwise, if it does not.
func (t *telling) differs(ctx context.Context, end string) string {
	var now string
	err := wait.PollUntilContextTimeout(ctx, lookEvery, settleTime, true, func(ctx context.Context) (_ bool, err error) {
		now, err = t.look(ctx)
		return now == end, err
	})
	if err != nil && !wait.Interrupted(err) {
		return err.Error()
	}
	return cmp.Diff(strings.Split(end, "\n"), strings.Split(now, "\n"))
}
