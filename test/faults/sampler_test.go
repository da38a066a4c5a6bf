package faults

import (
	"os"
	"sync"
	"testing"
	"time"

	"restencil/test/await"
)

// A sampler reads a file all the time and judges what it holds.
type sampler struct {
	t     *testing.T
	path  string
	judge func(content string) error
	quit  chan struct{}
	wg    sync.WaitGroup

	mu    sync.Mutex
	reads int
	wrong []wrong // the first few
}

// Wrong is a content that should not have been, and when it was seen.
type wrong struct {
	at      time.Duration
	content string
	err     error
}

// sample reads the file at path, which must be there, until the test ends or
// halt is called, and fails the test for each content that judge has an error
// for. Judge is called for the content at first and then for each that differs
// from the last, by one goroutine.
func sample(t *testing.T, path string, judge func(content string) error) *sampler {
	t.Helper()
	s := &sampler{t: t, path: path, judge: judge, quit: make(chan struct{})}
	s.wg.Go(s.run)
	t.Cleanup(s.halt)
	return s
}

// halt stops reading, and reports what was wrong.
func (s *sampler) halt() {
	s.t.Helper()
	select {
	case <-s.quit:
		return
	default:
	}
	close(s.quit)
	s.wg.Wait()
	for _, w := range s.wrong {
		s.t.Errorf("after %v, %s held «%s»: %v", w.at.Round(time.Millisecond), s.path, await.Clip(w.content), w.err)
	}
	if s.reads == 0 {
		s.t.Errorf("%s was never read", s.path)
	}
}

// fine fails the test at once where something has been wrong.
func (s *sampler) fine() {
	s.t.Helper()
	s.mu.Lock()
	bad := len(s.wrong) > 0
	s.mu.Unlock()
	if bad {
		s.halt()
		s.t.FailNow()
	}
}

func (s *sampler) run() {
	const pause = 500 * time.Microsecond
	began, last := time.Now(), ""
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for first := true; ; first = false {
		content, err := os.ReadFile(s.path)
		if err != nil || first || string(content) != last {
			last = string(content)
			if err == nil {
				err = s.judge(last)
			}
			s.note(wrong{time.Since(began), last, err})
		}
		s.reads++
		select {
		case <-s.quit:
			return
		case <-tick.C:
		}
	}
}

// note keeps w, if it is wrong.
func (s *sampler) note(w wrong) {
	const most = 5
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.err != nil && len(s.wrong) < most {
		s.wrong = append(s.wrong, w)
	}
}
