package podlet

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// logOptions are the parameters of a log request that a kubelet knows.
type logOptions struct {
	follow, previous, timestamps bool
	since                        time.Time
	tail, limit                  *int64
}

// serveLog answers for one container's log as a kubelet does. Its quirk is kept that an error after the beginning of the
// answer is text in a successful answer.
func (n *Node) serveLog(w http.ResponseWriter, r *http.Request) {
	options, err := n.parseLogOptions(r.URL.Query())
	if err != nil {
		refuse(w, http.StatusBadRequest, `{"message": "Unable to decode query."}`)
		return
	}
	name := r.PathValue("pod")
	p := n.podNamed(r.PathValue("namespace"), name)
	if p == nil {
		refuse(w, http.StatusNotFound, fmt.Sprintf("pod %q does not exist", name))
		return
	}
	c := p.container(r.PathValue("container"))
	if c == nil {
		refuse(w, http.StatusNotFound, fmt.Sprintf("container %q not found in pod %q", r.PathValue("container"), name))
		return
	}
	log, refusal := c.logFor(options.previous)
	if refusal != "" {
		refuse(w, http.StatusBadRequest, refusal)
		return
	}
	fault := c.nextFault()
	if fault.Status != 0 {
		refuse(w, fault.Status, fault.Body)
		return
	}
	w.WriteHeader(http.StatusOK)
	if log == nil {
		_, _ = io.WriteString(w, "unable to retrieve container logs for "+c.identity()) // a reader that has gone is no error
		return
	}
	s := newLogStream(r.Context(), w, options, fault)
	if err := s.copy(log); errors.Is(err, errAbort) {
		panic(http.ErrAbortHandler) // the way to tear a connection
	}
}

func refuse(w http.ResponseWriter, status int, text string) {
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // a reader that has gone is no error
}

func (n *Node) parseLogOptions(query url.Values) (logOptions, error) {
	var errs []error
	number := func(name string) *int64 {
		if !query.Has(name) {
			return nil
		}
		value, err := strconv.ParseInt(query.Get(name), 10, 64)
		errs = append(errs, err)
		return &value
	}
	truth := func(name string) bool { return query.Has(name) && query.Get(name) != "false" && query.Get(name) != "0" }
	options := logOptions{
		follow:     truth("follow"),
		previous:   truth("previous"),
		timestamps: truth("timestamps"),
		tail:       number("tailLines"),
		limit:      number("limitBytes"),
	}
	if seconds := number("sinceSeconds"); seconds != nil {
		options.since = n.options.Now().Add(-time.Duration(*seconds) * time.Second)
	}
	if query.Has("sinceTime") {
		since, err := time.Parse(time.RFC3339, query.Get("sinceTime"))
		errs = append(errs, err)
		options.since = since
	}
	return options, errors.Join(errs...)
}

// logFor returns the log to read, or why there is none. Neither is a log that the runtime has removed.
func (c *container) logFor(previous bool) (log *logFile, refusal string) {
	c.pod.mu.Lock()
	state, last := c.state, c.last
	name, pod := c.spec.Name, c.pod.key.Name
	c.pod.mu.Unlock()
	c.logMu.Lock()
	defer c.logMu.Unlock()
	switch {
	case previous && last.Terminated == nil:
		return nil, fmt.Sprintf("previous terminated container %q in pod %q not found", name, pod)
	case c.gone:
		return nil, ""
	case previous && state.Waiting == nil:
		return c.previous, ""
	case state.Running != nil, state.Terminated != nil, last.Terminated != nil:
		return c.log, ""
	case state.Waiting.Reason == "ErrImagePull":
		return nil, fmt.Sprintf("container %q in pod %q is waiting to start: image can't be pulled", name, pod)
	case state.Waiting.Reason == "ImagePullBackOff":
		return nil, fmt.Sprintf("container %q in pod %q is waiting to start: trying and failing to pull image", name, pod)
	default:
		return nil, fmt.Sprintf("container %q in pod %q is waiting to start: %v", name, pod, state.Waiting.Reason)
	}
}

// nextFault uses up one request of the container's faults.
func (c *container) nextFault() LogFault {
	c.logMu.Lock()
	defer c.logMu.Unlock()
	if len(c.faults) == 0 {
		return LogFault{}
	}
	fault := c.faults[0]
	if c.faults[0].Times == 1 {
		c.faults = c.faults[1:]
	} else if c.faults[0].Times > 1 {
		c.faults[0].Times--
	}
	return fault
}

func (c *container) identity() string {
	c.pod.mu.Lock()
	defer c.pod.mu.Unlock()
	return c.id
}
