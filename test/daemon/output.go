package daemon

import (
	"strings"
	"sync"
)

// An Output collects what a process prints. The zero value is empty and ready
// for use, also by several goroutines at a time.
type Output struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write adds to the output. It never fails.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// String returns what was written so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
