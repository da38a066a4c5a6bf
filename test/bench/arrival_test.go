package bench

import (
	"os"
	"time"
)

// patience is how long anything may take before the run is given up.
const patience = time.Minute

// arrives waits until a file is as it should be. It looks when something was
// renamed to the file's name, and the newest content may be there already.
func (s *site) arrives(file string, right func(content string) bool) {
	s.t.Helper()
	if !s.arrivesWithin(patience, file, right) {
		s.t.Fatalf("%s: %s is not as it should be after %v\n%s", s.name, file, patience, s.process.output())
	}
}

// arrivesWithin is arrives for what may fail to come.
func (s *site) arrivesWithin(most time.Duration, file string, right func(content string) bool) bool {
	s.t.Helper()
	deadline := time.After(most)
	for {
		if content, err := os.ReadFile(file); err == nil && right(string(content)) {
			return true
		}
		if !s.touched(file, deadline) {
			return false
		}
	}
}

// touched waits until a file has come to the name, or events were lost. It
// returns false at the deadline.
func (s *site) touched(file string, deadline <-chan time.Time) bool {
	for {
		select {
		case event := <-s.events.Events:
			if event.Name == file {
				return true
			}
		case <-s.events.Errors: // too many events at once: some are lost
			return true
		case <-deadline:
			return false
		}
	}
}

// allArrive waits until all these files hold content, but at most so long. It
// looks every half millisecond at the first that does not: events of hundreds
// of files would take more of the machine.
func allArrive(most time.Duration, files []string, content func(i int) string) bool {
	const pause = 500 * time.Microsecond
	deadline := time.Now().Add(most)
	for i := 0; i < len(files); {
		got, err := os.ReadFile(files[i])
		switch {
		case err == nil && string(got) == content(i):
			i++
		case time.Now().After(deadline):
			return false
		default:
			time.Sleep(pause)
		}
	}
	return true
}

// drain forgets what happened before a change.
func (s *site) drain() {
	for {
		select {
		case <-s.events.Events:
		case <-s.events.Errors:
		case <-time.After(time.Millisecond):
			return
		}
	}
}

// is returns what arrives takes for a file that shall hold just this.
func is(want string) func(content string) bool {
	return func(content string) bool { return content == want }
}
