// Package progress shows somebody at a terminal what a run with -once still waits for,
// in a block of lines that is rewritten, and ends with a summary of what was done. It is
// made of events alone.
package progress

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"restencil/renderer"
	"restencil/runner/event"
	"restencil/runner/status"
	"restencil/watch/printable"
)

const (
	firstAfter = 300 * time.Millisecond // until the block appears: most runs end before
	every      = 250 * time.Millisecond // how often it is rewritten
	maxLines   = 10                     // of the block
	maxNamed   = 5                      // files or commands that a line of the summary names
)

// A Progress is a block at the end of what a terminal shows. Its methods may be called
// from any goroutine.
type Progress struct {
	mu      sync.Mutex
	to      io.Writer // the terminal
	shown   []string  // the lines of the block
	partial bool      // the last line of what others wrote has no end yet

	written, repaired, same []string // destinations
	ran, failed             []string // commands
}

// New returns a Progress on a terminal.
func New(terminal io.Writer) *Progress { return &Progress{to: terminal} }

// Apply takes in an event, for the summary.
func (p *Progress) Apply(e event.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := e.(type) {
	case event.Rendered:
		if e.List {
			return
		}
		list := &p.same
		switch e.Change {
		case renderer.Replaced:
			list = &p.written
		case renderer.Repaired:
			list = &p.repaired
		}
		*list = append(*list, e.Destination)
	case event.CommandEnded:
		if e.Err != nil {
			p.failed = append(p.failed, strings.Join(e.Args, " "))
		} else {
			p.ran = append(p.ran, strings.Join(e.Args, " "))
		}
	}
}

// Run shows the state that snapshot returns until ctx ends, and then takes the block
// away.
func (p *Progress) Run(ctx context.Context, snapshot func() status.Status) {
	defer p.show(nil)
	timer := time.NewTimer(firstAfter)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			p.show(Lines(snapshot()))
			timer.Reset(every)
		}
	}
}

// Lines returns the block for a state: what is still missing, as the command status words
// it. It is nil where nothing is.
func Lines(s status.Status) []string {
	var lines []string
	for _, b := range s.Bundles {
		if b.State == status.Applied && !b.Since.IsZero() {
			continue
		}
		line := b.Line(s.Time)
		if b.State == status.Applied {
			line = b.Name + ": under way"
		}
		lines = append(lines, "  "+line)
	}
	missing := len(lines)
	if missing == 0 {
		return nil
	}
	if more := len(lines) - (maxLines - 2); len(lines) > maxLines-1 {
		lines = append(lines[:maxLines-2], fmt.Sprintf("  and %d more", more))
	}
	head := fmt.Sprintf("%d of %d not done, after %v:", missing, len(s.Bundles), s.Time.Sub(s.Began).Truncate(time.Second))
	return append([]string{head}, lines...)
}

// show rewrites the block in one write, unless it shows these lines already.
func (p *Progress) show(lines []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.partial || strings.Join(lines, "\n") == strings.Join(p.shown, "\n") {
		return
	}
	_, _ = io.WriteString(p.to, p.up()+block(lines)+"\x1b[J") // somebody who closed the terminal does not look
	p.shown = lines
}

// up returns what moves the cursor to the begin of the block.
func (p *Progress) up() string {
	if len(p.shown) == 0 {
		return "\r"
	}
	return fmt.Sprintf("\r\x1b[%dA", len(p.shown))
}

// block returns lines that each overwrite one of the terminal, and that it does not
// wrap. Control characters do not get through.
func block(lines []string) string {
	var b strings.Builder
	for _, line := range lines {
		b.WriteString("\x1b[?7l" + printable.Line(line) + "\x1b[?7h\x1b[K\n")
	}
	return b.String()
}

// Above returns a Writer for what others write to the terminal, by way of w: above the
// block.
func (p *Progress) Above(w io.Writer) io.Writer { return above{p, w} }

type above struct {
	*Progress
	w io.Writer
}

func (a above) Write(text []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.shown) > 0 {
		_, _ = io.WriteString(a.to, a.up()+"\x1b[J")
	}
	n, err := a.w.Write(text)
	a.partial = len(text) > 0 && text[len(text)-1] != '\n'
	if a.partial {
		a.shown = nil
	} else if len(a.shown) > 0 {
		_, _ = io.WriteString(a.to, block(a.shown))
	}
	return n, err
}

// Summary returns what was done, a line for each kind.
func (p *Progress) Summary() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var b strings.Builder
	for _, kind := range []struct {
		did, noun string
		names     []string
	}{
		{"wrote", "file", p.written}, {"set mode or owner of", "file", p.repaired}, {"left unchanged", "file", p.same},
		{"ran", "command", p.ran}, {"failed to run", "command", p.failed},
	} {
		n := len(kind.names)
		if n == 0 {
			continue
		}
		more := ""
		if n > maxNamed {
			kind.names, more = kind.names[:maxNamed], fmt.Sprintf(" and %d more", n-maxNamed)
		}
		fmt.Fprintf(&b, "%s %s: %s%s\n", kind.did, status.Count(n, kind.noun), strings.Join(kind.names, ", "), more)
	}
	return b.String()
}
