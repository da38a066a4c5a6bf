package logging

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A reader takes what is written once it is let.
type reader struct {
	let chan struct{} // closed: it does

	mu  sync.Mutex
	got bytes.Buffer
}

func (r *reader) Write(p []byte) (int, error) {
	<-r.let
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.got.Write(p)
}

func (r *reader) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.got.String()
}

// TestWriterInStep: where somebody reads, a line has arrived when Write returns.
func TestWriterInStep(t *testing.T) {
	r := &reader{let: make(chan struct{})}
	close(r.let)
	w := NewWriter(r)
	defer w.Close()
	var want strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&want, "%d\n", i)
		fmt.Fprintf(w, "%d\n", i)
		if got := r.String(); got != want.String() {
			t.Fatalf("after line %d there are %d bytes, want %d", i, len(got), want.Len())
		}
	}
}

func TestWriterUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{let: make(chan struct{})}
		w := NewWriter(r)
		l := open(t, Options{Level: "INFO", Stderr: w})
		began := time.Now()
		line := strings.Repeat("x", 1000)
		for i := range 5000 {
			l.Info(fmt.Sprint(line, " n=", i))
		}
		if took := time.Since(began); took > stuckAfter {
			t.Errorf("the log was held up for %v", took)
		}
		close(r.let)
		synctest.Wait()
		l.Info("after")
		w.Close()
		lines := strings.Split(strings.TrimSuffix(r.String(), "\n"), "\n")
		for i, line := range lines[:len(lines)-2] {
			if !strings.HasSuffix(line, fmt.Sprint(" n=", i)) {
				t.Fatalf("line %d is %.40q", i, line)
			}
		}
		note, last := lines[len(lines)-2], lines[len(lines)-1]
		want := fmt.Sprintf("[WARN] (logging) standard error was not read: %d lines were dropped here", 5000-(len(lines)-2))
		if !strings.HasSuffix(note, want) || !strings.HasSuffix(last, "after") {
			t.Errorf("it ends in %q, %q, want %q", note, last, want)
		}
	})
}

func TestWriterCloseUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{let: make(chan struct{})}
		w := NewWriter(r)
		fmt.Fprintln(w, "line")
		began := time.Now()
		w.Close()
		if took := time.Since(began); took != flushLimit {
			t.Errorf("Close took %v, want %v", took, flushLimit)
		}
		close(r.let) // for the goroutine to end
	})
}

func TestWriterWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{let: make(chan struct{})}
		w := NewWriter(r)
		ctx, cancel := context.WithCancel(t.Context())
		w.Wait(ctx)
		wrote := make(chan struct{})
		go func() {
			for range 4 {
				fmt.Fprintln(w, strings.Repeat("x", maxBacklog))
			}
			close(wrote)
		}()
		time.Sleep(time.Hour)
		select {
		case <-wrote:
			t.Error("Write did not wait")
		default:
		}
		cancel()
		<-wrote
		began := time.Now()
		w.Close()
		if took := time.Since(began); took != flushLimit {
			t.Errorf("Close took %v, want %v", took, flushLimit)
		}
		close(r.let)
	})
}

// TestWriterNothing: text/tabwriter, for one, writes nothing at times.
func TestWriterNothing(t *testing.T) {
	w := NewWriter(new(bytes.Buffer))
	w.Wait(t.Context())
	for range 2 {
		if n, err := w.Write(nil); n != 0 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	w.Close()
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken") }

func TestWriterFails(t *testing.T) {
	w := NewWriter(broken{})
	defer w.Close()
	if _, err := w.Write([]byte("x")); err == nil {
		t.Error("no error")
	}
}
