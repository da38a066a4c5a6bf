package process

import (
	"os"
	"time"
)

// groupCheck is how often it is looked at whether a group that is to end is
// gone: nobody tells.
const groupCheck = 20 * time.Millisecond

// An ending is how far the end of a process has come.
type ending struct {
	Process
	sig    os.Signal    // asks for it
	asked  bool         // the whole group was
	deaf   map[int]bool // the group, and who in it ignored that
	killed bool
}

// ask asks the process or its group to end.
func (e *ending) ask(group bool) error {
	e.asked = group
	e.deaf = e.Members(e.sig) // not later: many ignore a signal once they heed it
	return e.Signal(e.sig, group)
}

// askOthers asks those that the process left behind, unless that was done.
func (e *ending) askOthers() {
	if !e.asked && len(e.Members(e.sig)) > 0 {
		_ = e.ask(true) // those that may not be asked may not be killed either
	}
}

// hopeless tells whether none of those that are left will end because they
// were asked. A shell, for one, has what it runs in the background ignore
// SIGINT.
func (e *ending) hopeless() bool {
	for id := range e.Members(e.sig) {
		if !e.deaf[id] {
			return false
		}
	}
	return true
}
