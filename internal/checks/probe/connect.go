package probe

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// TargetsVariable has the targets of Connect, or the names of Resolve, as JSON.
const TargetsVariable = "AICR_PROBE_TARGETS"

const (
	// Connect asks each of its targets for an answer, for as long as its patience lasts, and leaves in the termination message what
	// has come of each: a JSON object by the targets' names, with nothing for an answer as it should be.
	Connect = "connect"
	// Resolve looks names up and leaves their Resolution in the termination message.
	Resolve = "resolve"
)

const (
	// patience is for how long a probe tries: rules of Services and names take a moment to spread, and an answer of a name server
	// that there is no such name may be kept for half a minute.
	patience = 45 * time.Second
	// attempt bounds one try, pause is between two.
	attempt = 3 * time.Second
	pause   = 500 * time.Millisecond
	// maxTrouble bounds what is said of one target, so that twenty of them fit into a termination message.
	maxTrouble = 120
)

// Target is an HTTP server, and the answer that it should give.
type Target struct{ Name, URL, Want string }

// Resolution is what Resolve found out.
type Resolution struct {
	// Search are the domains that names are looked up in.
	Search []string `json:"search,omitempty"`
	// Servers are the name servers.
	Servers []string `json:"servers,omitempty"`
	// Addresses are each name's, and Trouble is why a name has none.
	Addresses map[string][]string `json:"addresses,omitempty"`
	Trouble   map[string]string   `json:"trouble,omitempty"`
}

// ServesCluster reports whether the pod is set up to look up Services by their names: in their domains, at a name server that is not
// the pod itself, where nobody answers. Kubelets that have no other to name write that one.
func (r Resolution) ServesCluster() bool {
	elsewhere := slices.ContainsFunc(r.Servers, func(server string) bool {
		address, err := netip.ParseAddr(server)
		return err != nil || !address.IsLoopback()
	})
	return elsewhere && slices.ContainsFunc(r.Search, func(domain string) bool { return strings.HasPrefix(domain, "svc.") })
}

// targets decodes the environment variable.
func targets(value any) error {
	if err := json.Unmarshal([]byte(os.Getenv(TargetsVariable)), value); err != nil {
		return fmt.Errorf("reading %s: %w", TargetsVariable, err)
	}
	return nil
}

func leave(message any, path string) error {
	data, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("encoding the termination message: %w", err)
	}
	// The file is there already, made by the container runtime.
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return fmt.Errorf("writing the termination message: %w", err)
	}
	return nil
}

func connect(ctx context.Context, path string) error {
	var all []Target
	if err := targets(&all); err != nil {
		return err
	}
	client := newClient()
	troubles := each(ctx, all, func(ctx context.Context, target Target) error { return ask(ctx, client, target) })
	outcome := make(map[string]string, len(all))
	for i, target := range all {
		outcome[target.Name] = clip(troubles[i])
	}
	return leave(outcome, path)
}

// newClient asks directly: what a proxy answers says nothing about the way to the target.
func newClient() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
}

// ask asks a target once.
func ask(ctx context.Context, client *http.Client, target Target) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.URL, http.NoBody)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxFile))
	if err != nil {
		return err
	}
	if string(body) != target.Want {
		return fmt.Errorf("somebody else answers: %s, %q", response.Status, body)
	}
	return nil
}

func resolve(ctx context.Context, path string) error {
	var names []string
	if err := targets(&names); err != nil {
		return err
	}
	config, err := os.ReadFile("/etc/resolv.conf")
	if err != nil {
		return fmt.Errorf("reading where names are looked up: %w", err)
	}
	return leave(lookUp(ctx, parseResolvConf(string(config)), names, net.DefaultResolver.LookupHost), path)
}

// lookUp looks each name up until it has an address. Where nobody has set the pod up for that, it does not try.
func lookUp(ctx context.Context, r Resolution, names []string, find func(context.Context, string) ([]string, error)) Resolution {
	if !r.ServesCluster() {
		return r
	}
	addresses := make([][]string, len(names))
	index := make([]int, len(names))
	for i := range index {
		index[i] = i
	}
	troubles := each(ctx, index, func(ctx context.Context, i int) (err error) {
		addresses[i], err = find(ctx, names[i])
		return err
	})
	r.Addresses, r.Trouble = map[string][]string{}, map[string]string{}
	for i, name := range names {
		if troubles[i] != nil {
			r.Trouble[name] = clip(troubles[i])
			continue
		}
		slices.Sort(addresses[i])
		r.Addresses[name] = addresses[i]
	}
	return r
}

func parseResolvConf(text string) Resolution {
	var r Resolution
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		switch {
		case len(fields) < 2:
		case fields[0] == "search":
			// The last such line wins. The domain of the pod's namespace is one below "svc".
			r.Search = nil
			for _, domain := range fields[1:] {
				r.Search = append(r.Search, strings.TrimSuffix(domain, "."))
			}
		case fields[0] == "nameserver":
			r.Servers = append(r.Servers, fields[1])
		}
	}
	return r
}

// each tries all at once, each again and again until it succeeds or the patience ends, and returns the last error of each.
func each[T any](ctx context.Context, all []T, try func(context.Context, T) error) []error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	errs := make([]error, len(all))
	var group sync.WaitGroup
	for i, one := range all {
		group.Go(func() {
			for {
				once, cancel := context.WithTimeout(ctx, attempt)
				err := try(once, one)
				cancel()
				// What the end of the patience cuts off says less than the try before it.
				if err == nil || errs[i] == nil || ctx.Err() == nil {
					errs[i] = err
				}
				if err == nil {
					return
				}
				select {
				case <-ctx.Done():
					return
				case <-time.After(pause):
				}
			}
		})
	}
	group.Wait()
	return errs
}

// clip bounds what an error says, and says something even of an empty one.
func clip(err error) string {
	if err == nil {
		return ""
	}
	text := strings.ToValidUTF8(err.Error(), "?")
	if text == "" {
		return "an error without words"
	}
	if len(text) <= maxTrouble {
		return text
	}
	// The end of a network error says what happened, its beginning where.
	start := len(text) - maxTrouble
	for !utf8.RuneStart(text[start]) {
		start++
	}
	return "…" + text[start:]
}
