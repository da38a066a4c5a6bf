package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"restencil/runner/status"
)

const (
	maxReaders = 32
	streamGap  = time.Second // between two messages
	streamIdle = 5           // so many gaps are between two messages where nothing changes
)

// A stream sends the state to those who read /v1/events: all of it first, then what
// has changed. While nobody reads, it does nothing.
type stream struct {
	overview func() status.Status
	changes  atomic.Uint64 // how often something has changed
	readers  atomic.Int32

	mu   sync.Mutex // guards what follows
	made view       // the newest, while somebody reads
}

// A view is what all readers get at a time.
type view struct {
	at      time.Time
	changes uint64 // that it has at least
	state   status.Status
}

// view returns the view for a time, which the first reader makes who asks for it.
func (s *stream) view(at time.Time) view {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.made.at.Equal(at) {
		s.made = view{at, s.changes.Load(), s.overview()}
	}
	return s.made
}

// leave forgets a reader, and with the last one the view.
func (s *stream) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.readers.Add(-1) == 0 {
		s.made = view{}
	}
}

// serve answers a request for /v1/events.
func (s *stream) serve(w http.ResponseWriter, r *http.Request) {
	defer s.leave()
	if s.readers.Add(1) > maxReaders {
		fail(w, http.StatusServiceUnavailable, fmt.Errorf("%d clients read already, or the program ends", maxReaders))
		return
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // the request has been read
	w.Header().Set("Content-Type", "text/event-stream")
	send := func(message []byte) bool {
		_ = control.SetWriteDeadline(time.Now().Add(writeTimeout))
		_, err := w.Write(message)
		return err == nil && control.Flush() == nil
	}
	seen, idle := s.changes.Load(), 0
	sent := s.overview() // is what the reader knows
	for reads := send(message("status", whole(sent))); reads; {
		next := time.Now().Truncate(streamGap).Add(streamGap) // the same for all readers
		select {
		case <-time.After(time.Until(next)):
		case <-r.Context().Done():
			return
		}
		if idle++; s.changes.Load() == seen && idle < streamIdle {
			continue
		}
		last, now := sent, s.view(next)
		seen, idle, sent = now.changes, 0, now.state
		reads = send(message("update", since(last, sent)))
	}
}

// whole returns what a new reader gets: everything but the queries, which
// /v1/status?bundle=NAME has.
func whole(s status.Status) status.Status {
	s.Queries = []status.Query{}
	return s
}

// since returns what a reader gets who knows last: bundles and changes that are new
// or different. Where bundles are gone or in another order, all are there.
func since(last, now status.Status) any {
	out := struct {
		status.Status
		Names []string `json:"names,omitempty"` // of all bundles, where others are there
	}{Status: whole(now)}
	sameName := func(a, b status.Bundle) bool { return a.Name == b.Name }
	if !slices.EqualFunc(now.Bundles, last.Bundles, sameName) {
		for _, b := range now.Bundles {
			out.Names = append(out.Names, b.Name)
		}
	} else {
		out.Bundles = []status.Bundle{}
		for i, b := range now.Bundles {
			if !reflect.DeepEqual(b, last.Bundles[i]) {
				out.Bundles = append(out.Bundles, b)
			}
		}
	}
	newest := 0
	if len(last.Changes) > 0 {
		newest = last.Changes[0].Number
	}
	out.Changes = slices.DeleteFunc(slices.Clone(now.Changes), func(c status.Change) bool { return c.Number <= newest })
	return out
}

// message returns a server-sent event.
func message(kind string, body any) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "event: %s\ndata: ", kind)
	_ = json.NewEncoder(&b).Encode(body) // plain values; it ends the line
	b.WriteByte('\n')
	return b.Bytes()
}
