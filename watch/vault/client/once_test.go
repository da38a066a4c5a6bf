package client

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
)

// TestOnce: a read that may issue something is sent once, though the connection
// ends before there is an answer.
func TestOnce(t *testing.T) {
	for _, once := range []bool{true, false} {
		var asked atomic.Int32
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.ContentLength != 0 || len(r.TransferEncoding) > 0 {
				t.Errorf("once=%t: a read with a body", once)
			}
			if asked.Add(1) > 1 {
				panic(http.ErrAbortHandler)
			}
		})
		r := Request{Method: http.MethodGet, Path: "database/creds/app", Once: once}
		if _, err := c.Call(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		_, err := c.Call(t.Context(), r) // on the same connection, which ends
		if unanswered, ok := errors.AsType[*UnansweredError](err); !ok || Harmless(unanswered) {
			t.Errorf("once=%t: %v does not tell that something may have been issued", once, err)
		}
		if err == nil || asked.Load() < 2 || once && asked.Load() > 2 {
			t.Errorf("once=%t: asked %d times, %v", once, asked.Load()-1, err)
		}
	}
}
