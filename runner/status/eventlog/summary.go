package eventlog

import (
	"fmt"
	"slices"
	"strings"

	"restencil/runner/event"
)

// A Summary is the state of a runner in a few words, made from its events.
// The zero value is the state before the first event. It is for one
// goroutine at a time.
type Summary struct {
	outputs  []event.Output
	state    map[event.Output]outputState
	commands map[string]bool // those that failed, by their words
	child    bool            // it has ended and is to be started again
	away     []string        // stores
}

// An outputState is how a template fares. The zero value: it has not been
// rendered.
type outputState int

const (
	waits outputState = iota
	inStep
	fails
)

// Event takes in an event.
func (s *Summary) Event(e event.Event) {
	switch e := e.(type) {
	case event.Loaded:
		s.load(e.Templates)
	case event.Rendered:
		s.set(e.Template, e.Destination, inStep)
	case event.Recovered:
		s.set(e.Template, e.Destination, inStep)
	case event.Waiting:
		s.set(e.Template, e.Destination, waits)
	case event.Failed:
		s.set(e.Template, e.Destination, fails)
	case event.CommandDone:
		delete(s.commands, command(e.Args))
	case event.CommandFailed:
		if s.commands == nil {
			s.commands = make(map[string]bool)
		}
		s.commands[command(e.Args)] = true
	case event.ChildStarted:
		s.child = false
	case event.ChildEnded:
		s.child = e.RetryIn > 0
	case event.StoreAway:
		s.storeBack(placeName(e.Store, e.Part))
		s.away = append(s.away, placeName(e.Store, e.Part))
	case event.StoreBack:
		s.storeBack(placeName(e.Store, e.Part))
	}
}

// load keeps what is known of the templates that there still are.
func (s *Summary) load(outputs []event.Output) {
	s.outputs = outputs
	s.commands = nil // those that still fail will say so
	known := s.state
	s.state = make(map[event.Output]outputState, len(outputs))
	for _, o := range outputs {
		s.state[o] = known[o]
	}
}

func (s *Summary) set(template, destination string, to outputState) {
	if s.state == nil {
		s.state = make(map[event.Output]outputState)
	}
	s.state[event.Output{Template: template, Destination: destination}] = to
}

func (s *Summary) storeBack(store string) {
	s.away = slices.DeleteFunc(s.away, func(a string) bool { return a == store })
}

// String returns the state on one line, such as "12 files in step" or
// "waiting for 2 of 14 templates; consul: no answers".
func (s *Summary) String() string {
	var n [fails + 1]int
	for _, o := range s.outputs {
		n[s.state[o]]++
	}
	var parts []string
	if n[waits] > 0 {
		parts = append(parts, fmt.Sprintf("waiting for %d of %s", n[waits], count(len(s.outputs), "template")))
	}
	if n[fails] > 0 {
		parts = append(parts, fmt.Sprintf("errors in %d of %s", n[fails], count(len(s.outputs), "template")))
	}
	if len(s.commands) > 0 {
		parts = append(parts, count(len(s.commands), "failed command"))
	}
	if s.child {
		parts = append(parts, "the child has ended and will be started again")
	}
	if len(s.away) > 0 {
		parts = append(parts, strings.Join(s.away, ", ")+": no answers")
	}
	if parts == nil {
		return count(n[inStep], "file") + " in step"
	}
	return strings.Join(parts, "; ")
}

// count returns "1 file", "2 files".
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
