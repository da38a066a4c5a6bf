package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"time"

	"restencil/runner/status"
)

const (
	maxReaders = 32
	maxUnread  = 16              // messages; whoever has more unread is dropped
	streamGap  = time.Second     // between two messages
	streamIdle = 5 * time.Second // a message comes at least so often
)

// A stream sends the state to those who read /v1/events: all of it first, then what
// has changed. While nobody reads, it does nothing.
type stream struct {
	overview func(last status.Status) status.Status
	dirty    chan struct{} // capacity 1: something has changed
	join     chan *reader
	leave    chan *reader
	ended    chan struct{} // closed when run has returned

	// Of run alone.
	readers []*reader
	sent    status.Status // is what the readers know
}

// A reader is a client. Its messages are closed when it is dropped.
type reader struct{ messages chan []byte }

func newStream(overview func(last status.Status) status.Status) *stream {
	return &stream{
		overview: overview,
		dirty:    make(chan struct{}, 1),
		join:     make(chan *reader),
		leave:    make(chan *reader),
		ended:    make(chan struct{}),
	}
}

// changed notes that something has changed.
func (s *stream) changed() {
	select {
	case s.dirty <- struct{}{}:
	default:
	}
}

// run sends messages until ctx ends.
func (s *stream) run(ctx context.Context) {
	defer close(s.ended)
	timer := time.NewTimer(streamIdle)
	defer timer.Stop()
	soon := false // something has changed that the next message tells
	for {
		var dirty <-chan struct{}
		var next <-chan time.Time
		if len(s.readers) > 0 {
			next = timer.C
			if !soon {
				dirty = s.dirty
			}
		}
		select {
		case <-ctx.Done():
			for _, r := range s.readers {
				close(r.messages)
			}
			return
		case r := <-s.join:
			if len(s.readers) >= maxReaders {
				close(r.messages)
				continue
			}
			if len(s.readers) == 0 {
				soon = false
				timer.Reset(streamIdle)
			}
			s.update()
			r.messages <- message("status", whole(s.sent)) // there is room: it is new
			s.readers = append(s.readers, r)
		case r := <-s.leave:
			s.drop(r)
		case <-dirty:
			soon = true
			timer.Reset(streamGap)
		case <-next:
			soon = false
			s.update()
			timer.Reset(streamIdle)
		}
	}
}

// drop forgets a reader, who may be forgotten already.
func (s *stream) drop(r *reader) {
	if i := slices.Index(s.readers, r); i >= 0 {
		s.readers = slices.Delete(s.readers, i, i+1)
		close(r.messages)
	}
	if len(s.readers) == 0 {
		s.sent = status.Status{}
	}
}

// update sends the readers what has changed since the last update.
func (s *stream) update() {
	last := s.sent
	s.sent = s.overview(last)
	if len(s.readers) == 0 {
		return
	}
	m := message("update", since(last, s.sent))
	for _, r := range slices.Clone(s.readers) {
		select {
		case r.messages <- m:
		default:
			s.drop(r)
		}
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
	name := func(b status.Bundle) string { return b.Name }
	if names := mapped(now.Bundles, name); !slices.Equal(names, mapped(last.Bundles, name)) {
		out.Names = names
	} else {
		out.Bundles = []status.Bundle{}
		for i, b := range now.Bundles {
			if !b.Same(last.Bundles[i]) && !reflect.DeepEqual(b, last.Bundles[i]) {
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

func mapped[T, U any](list []T, do func(T) U) []U {
	out := make([]U, len(list))
	for i, v := range list {
		out[i] = do(v)
	}
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

// serve answers a request for /v1/events.
func (s *stream) serve(w http.ResponseWriter, req *http.Request) {
	r := &reader{make(chan []byte, maxUnread)}
	select {
	case s.join <- r:
	case <-s.ended:
		return
	}
	defer func() {
		select {
		case s.leave <- r:
		case <-s.ended:
		}
	}()
	first, ok := <-r.messages
	if !ok {
		fail(w, http.StatusServiceUnavailable, fmt.Errorf("%d clients read already, or the program ends", maxReaders))
		return
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // the request has been read
	w.Header().Set("Content-Type", "text/event-stream")
	for m := first; m != nil; {
		_ = control.SetWriteDeadline(time.Now().Add(writeTimeout))
		if _, err := w.Write(m); err != nil || control.Flush() != nil {
			return
		}
		select {
		case m = <-r.messages: // nil: it is closed
		case <-req.Context().Done():
			return
		}
	}
}
