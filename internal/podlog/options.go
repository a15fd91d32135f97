package podlog

import (
	"time"

	"k8s.io/utils/clock"
)

// Options say how logs are followed. A zero field stands for the value named beside it.
type Options struct {
	Clock clock.WithDelayedExecution // the real one
	// Notify is told that something new was delivered: at once the first time, then at most every NotifyEvery, and at once when
	// the log has ended. It is called from several goroutines, must not block, and may come once more after Forget or Close.
	Notify      func(Target)  // nobody
	NotifyEvery time.Duration // 10 s
	// MaxPerNode bounds the follows that are open at one node's kubelet, which has 128 inotify instances for everything. Who
	// waits for a place has its log read every IdleCheck.
	MaxPerNode int // no bound
	// IdleCheck is after how long a silence it is found out whether the follow has stalled, as some do at a rotation.
	IdleCheck time.Duration // 30 s
	// BusyCheck takes IdleCheck's place for a log that has brought a MiB since its tail was looked at last. Such a log is rotated often,
	// and what a stalled follow does not bring must be read before the next rotation takes it away. While such a log goes on, the beginning
	// of its newest file is looked at as often.
	BusyCheck time.Duration // 1 s
	// Linger is how long a silent follow is kept open once the container has terminated.
	Linger time.Duration // 3 s
	// GiveUpAfter is for how long the log of a terminated container may be unreadable.
	GiveUpAfter time.Duration // 60 s
	// RetryMin and RetryMax are the first and the longest wait before a log is opened again.
	RetryMin time.Duration // 250 ms
	RetryMax time.Duration // 5 s
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	if o.Notify == nil {
		o.Notify = func(Target) {}
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&o.NotifyEvery, 10 * time.Second},
		{&o.IdleCheck, 30 * time.Second},
		{&o.BusyCheck, time.Second},
		{&o.Linger, 3 * time.Second},
		{&o.GiveUpAfter, time.Minute},
		{&o.RetryMin, 250 * time.Millisecond},
		{&o.RetryMax, 5 * time.Second},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return o
}
