package faults

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// A liar stands between the daemon and its agent. As long as it has no lie to
// tell it passes everything on.
type liar struct {
	agent  string
	client *http.Client
	server *httptest.Server

	mu      sync.Mutex
	lie     lie           // nil: none
	changed chan struct{} // closed, and replaced, when the lie changes
	told    int
}

// A lie answers a request, given the truth: what the agent says to the same
// question asked without waiting for news. Over is closed when the lies are to
// end.
type lie func(w http.ResponseWriter, r *http.Request, truth *reply, over <-chan struct{})

// A reply is what an agent answered.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func newLiar(t *testing.T, agent string) *liar {
	t.Helper()
	l := &liar{agent: agent, client: &http.Client{Transport: &http.Transport{}}, changed: make(chan struct{})}
	l.server = httptest.NewServer(l)
	t.Cleanup(func() {
		l.tell(nil)
		l.server.CloseClientConnections()
		l.server.Close()
		l.client.CloseIdleConnections()
	})
	return l
}

func (l *liar) addr() string { return l.server.Listener.Addr().String() }

// tell has the liar tell a lie from now on, also to those who wait for news;
// nil is the truth.
func (l *liar) tell(what lie) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lie = what
	close(l.changed)
	l.changed = make(chan struct{})
}

// lies returns how many lies have been told.
func (l *liar) lies() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.told
}

func (l *liar) state() (lie, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lie, l.changed
}

// ServeHTTP implements http.Handler.
func (l *liar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		what, changed := l.state()
		if what != nil {
			l.answer(w, r, what, changed)
			return
		}
		truth, err := l.ask(r, changed, r.URL.Query().Encode())
		if err == nil {
			truth.write(w)
			return
		}
		select {
		case <-changed: // that ended it: ask again, or lie
		default:
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
	}
}

// answer tells a lie.
func (l *liar) answer(w http.ResponseWriter, r *http.Request, what lie, over <-chan struct{}) {
	q := r.URL.Query()
	for _, name := range []string{"index", "wait", "stale", "hash"} {
		q.Del(name)
	}
	truth, err := l.ask(r, nil, q.Encode())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	l.mu.Lock()
	l.told++
	l.mu.Unlock()
	what(w, r, truth, over)
}

// ask puts a request to the agent, until quit is closed.
func (l *liar) ask(r *http.Request, quit <-chan struct{}, query string) (*reply, error) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-quit:
			cancel()
		case <-stop:
		}
	}()
	req, err := http.NewRequestWithContext(ctx, r.Method, "http://"+l.agent+r.URL.EscapedPath()+"?"+query, nil)
	if err != nil {
		return nil, err
	}
	resp, err := l.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return &reply{resp.StatusCode, resp.Header, body}, err
}

func (p *reply) write(w http.ResponseWriter) {
	p.writeHeader(w)
	_, _ = io.Copy(w, bytes.NewReader(p.body))
}

func (p *reply) writeHeader(w http.ResponseWriter) {
	for name, values := range p.header {
		if name != "Content-Length" {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(p.status)
}

// drip writes p's body a byte a second, and once over is closed the rest.
func (p *reply) drip(w http.ResponseWriter, over <-chan struct{}) {
	p.writeHeader(w)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for i := range p.body {
		_, _ = w.Write(p.body[i : i+1])
		_ = http.NewResponseController(w).Flush()
		select {
		case <-over:
			_, _ = w.Write(p.body[i+1:])
			return
		case <-tick.C:
		}
	}
}
