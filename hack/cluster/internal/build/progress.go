package build

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// plainInterval is how often progress is written where lines cannot be overwritten.
const plainInterval = 15 * time.Second

// progress shows how far a build is: one line that is updated on a terminal, one line in a while elsewhere.
type progress struct {
	mu       sync.Mutex
	state    counts
	begin    time.Time
	written  time.Time
	out      io.Writer
	terminal bool
	now      func() time.Time
	done     chan struct{}
}

// counts is what a progress line says.
type counts struct {
	title      string
	downloads  int // modules
	building   bool
	done, todo int // packages
}

func newProgress(title string, out io.Writer, now func() time.Time) *progress {
	p := &progress{
		state: counts{title: title}, begin: now(), written: now(), out: out, terminal: isTerminal(out), now: now,
		done: make(chan struct{}),
	}
	go p.tick()
	return p
}

// tick writes while nothing is compiled, too: linking is silent.
func (p *progress) tick() {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-p.done:
			return
		case <-ticker.C:
			p.change(func(*counts) {})
		}
	}
}

func (p *progress) stop() {
	close(p.done)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.terminal {
		fmt.Fprint(p.out, "\r\033[K")
	}
}

// downloading takes a line that a go command prints while it resolves packages.
func (p *progress) downloading(line string) {
	if strings.HasPrefix(line, "go: downloading ") {
		p.change(func(c *counts) { c.downloads++ })
	}
}

func (p *progress) compiling(todo int) {
	p.change(func(c *counts) { c.building, c.todo = true, todo })
}

// compiled takes a line of `go build -v`, which prints the import path of each package that it compiles.
func (p *progress) compiled(line string) {
	if isPackage(line) {
		p.change(func(c *counts) { c.done++ })
	}
}

func isPackage(line string) bool {
	return line != "" && !strings.HasPrefix(line, "#") && !strings.ContainsAny(line, " \t")
}

func (p *progress) change(f func(*counts)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.state)
	now := p.now()
	interval := plainInterval
	if p.terminal {
		interval = 200 * time.Millisecond
	}
	if now.Sub(p.written) < interval {
		return
	}
	p.written = now
	text := p.state.line(now.Sub(p.begin))
	if p.terminal {
		fmt.Fprintf(p.out, "\r\033[K%s", text)
		return
	}
	fmt.Fprintln(p.out, text)
}

func (c counts) line(elapsed time.Duration) string {
	var what string
	switch {
	case !c.building && c.downloads == 0:
		what = "checking modules"
	case !c.building:
		what = fmt.Sprintf("downloading modules, %d so far", c.downloads)
	case c.done < c.todo:
		what = fmt.Sprintf("%d of about %d packages compiled", c.done, c.todo)
	default:
		what = fmt.Sprintf("%d packages compiled, linking", c.done)
	}
	return fmt.Sprintf("          %s: %s, %s", c.title, what, elapsed.Truncate(time.Second))
}

func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}
