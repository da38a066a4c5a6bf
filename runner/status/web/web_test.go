package web

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"restencil/runner/event"
	"restencil/runner/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A fake is a Daemon with a state that tests change.
type fake struct {
	mu    sync.Mutex
	state status.Status
	done  []string
}

func (f *fake) Snapshot() status.Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
}

func (f *fake) Overview() status.Status { return f.Snapshot() }

func (f *fake) Status(context.Context) (any, error) {
	text, err := json.Marshal(f.Snapshot())
	return json.RawMessage(text), err
}

func (f *fake) set(change func(*status.Status)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state.Bundles = slices.Clone(f.state.Bundles)
	change(&f.state)
}

func (f *fake) Diff(_ context.Context, bundle string) (any, error) {
	return []string{"diff of " + bundle}, nil
}

func (f *fake) History(_ context.Context, bundle string) (any, error) {
	return nil, errors.New("history of " + bundle + " cannot be read")
}

func (f *fake) Accept(_ context.Context, bundle string) error {
	f.done = append(f.done, "accept "+bundle)
	return nil
}

func (f *fake) Rollback(_ context.Context, bundle string, generation int) (int, error) {
	f.done = append(f.done, fmt.Sprintf("rollback %s %d", bundle, generation))
	return generation, nil
}

func newFake() *fake {
	at := time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)
	return &fake{state: status.Status{
		Time: at, Ready: true,
		Bundles: []status.Bundle{{Name: "web", Named: true, State: status.Applied, Applied: at}, {Name: "/etc/app.conf", State: status.Applied, Applied: at}},
		Queries: []status.Query{{Query: "kv.get(a)"}},
	}}
}

const (
	base  = "http://127.0.0.1:8558"
	token = "open-sesame"
)

// request makes a request with headers, which are names and values by turns.
func request(h http.Handler, method, url string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, url, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestGuard: only requests to the server's own names are answered, and none that
// other web sites make.
func TestGuard(t *testing.T) {
	h := New(Options{Address: "node7:8558", Hosts: []string{"Restencil.example"}, Daemon: newFake()}).Handler()
	for _, tt := range []struct {
		host    string
		headers []string
		want    int
	}{
		{"127.0.0.1:8558", nil, 200},
		{"[::1]:8558", nil, 200},
		{"[::1]", nil, 200},
		{"10.1.2.3", nil, 200},
		{"LOCALHOST:1", nil, 200},
		{"node7:8558", nil, 200},
		{"restencil.example", nil, 200},
		{"evil.example", nil, 403},
		{"127.0.0.1.evil.example:8558", nil, 403},
		{"localhost.evil.example", nil, 403},
		{"localhost:8558", []string{"Origin", "http://localhost:8558"}, 200},
		{"restencil.example", []string{"Origin", "https://restencil.example"}, 200},
		{"localhost:8558", []string{"Origin", "http://evil.example"}, 403},
		{"localhost:8558", []string{"Origin", "http://localhost:9999"}, 403},
		{"localhost:8558", []string{"Origin", "null"}, 403},
		{"localhost:8558", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{"localhost:8558", []string{"Sec-Fetch-Site", "none"}, 200},
		{"localhost:8558", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"localhost:8558", []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "no-cors"}, 403},
		{"localhost:8558", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, 200},
	} {
		for _, path := range []string{"/", "/live", "/v1/status"} {
			if got := request(h, "GET", "http://"+tt.host+path, tt.headers...); got.Code != tt.want {
				t.Errorf("%s of %s with %q: got %d, want %d", path, tt.host, tt.headers, got.Code, tt.want)
			}
		}
	}
	noHost := httptest.NewRequest("GET", "/live", nil)
	noHost.Host = ""
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, noHost); w.Code != 403 {
		t.Errorf("without a host: got %d", w.Code)
	}
}

// TestHeaders: the page may load nothing from elsewhere, nor be framed or kept.
func TestHeaders(t *testing.T) {
	h := New(Options{Daemon: newFake()}).Handler()
	got := request(h, "GET", base+"/")
	csp := got.Header().Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self';", "frame-ancestors 'none'"} {
		if !strings.Contains(csp, want) {
			t.Errorf("the policy lacks %s: %s", want, csp)
		}
	}
	if got.Header().Get("X-Content-Type-Options") != "nosniff" || got.Header().Get("Cache-Control") != "no-store" || got.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("headers: %v", got.Header())
	}
	for _, part := range []string{"<script>", " onclick=", "style=\"", "<style", "javascript:"} {
		if strings.Contains(got.Body.String(), part) {
			t.Errorf("the page has %q, which the policy forbids", part)
		}
	}
}

// TestChanges: nothing is changed without the token, nor with a wrong one.
func TestChanges(t *testing.T) {
	for _, tt := range []struct {
		token, method, url, authorization string
		want                              int
		done                              string
	}{
		{"", "POST", "/v1/accept?bundle=web", "Bearer ", 403, ""},
		{"", "POST", "/v1/accept?bundle=web", "", 403, ""},
		{token, "POST", "/v1/accept?bundle=web", "", 401, ""},
		{token, "POST", "/v1/accept?bundle=web", "Bearer open-sesam", 401, ""},
		{token, "POST", "/v1/accept?bundle=web", "Basic " + token, 401, ""},
		{token, "POST", "/v1/rollback?bundle=web&generation=1", "Bearer", 401, ""},
		{token, "GET", "/v1/accept?bundle=web", "Bearer " + token, 404, ""},
		{token, "POST", "/v1/accept?bundle=web", "Bearer " + token, 200, "accept web"},
		{token, "POST", "/v1/accept?bundle=wab", "Bearer " + token, 404, ""},
		{token, "POST", "/v1/rollback?bundle=web&generation=3", "Bearer " + token, 200, "rollback web 3"},
		{token, "POST", "/v1/rollback?bundle=web&generation=-3", "Bearer " + token, 409, ""},
	} {
		f := newFake()
		h := New(Options{Token: tt.token, Daemon: f}).Handler()
		got := request(h, tt.method, base+tt.url, "Authorization", tt.authorization)
		if got.Code != tt.want || strings.Join(f.done, ",") != tt.done {
			t.Errorf("%s %s with %q: got %d %s, done %q", tt.method, tt.url, tt.authorization, got.Code, got.Body, f.done)
		}
		if strings.Contains(got.Body.String(), token) {
			t.Errorf("%s shows the token: %s", tt.url, got.Body)
		}
	}
	// A page of another site that somehow knows the token is refused all the same.
	f := newFake()
	got := request(New(Options{Token: token, Daemon: f}).Handler(), "POST", base+"/v1/accept?bundle=web", "Authorization", "Bearer "+token, "Origin", "http://evil.example")
	if got.Code != 403 || f.done != nil {
		t.Errorf("from elsewhere: got %d, done %q", got.Code, f.done)
	}
}

func TestReady(t *testing.T) {
	f := newFake()
	h := New(Options{Daemon: f}).Handler()
	want := func(code int, body string) {
		t.Helper()
		got := request(h, "GET", base+"/ready")
		if got.Code != code || !strings.Contains(got.Body.String(), body) {
			t.Errorf("got %d %s, want %d with %s", got.Code, got.Body, code, body)
		}
	}
	want(200, `{"ready":true,"reasons":[]}`)
	f.set(func(s *status.Status) { s.Bundles[0].State = status.Changing })
	want(200, `{"ready":true,"reasons":[]}`) // it was applied, and is about to be again
	f.set(func(s *status.Status) { s.Bundles[0].Applied = time.Time{} })
	want(503, `"bundle":"web","state":"changing"`)
	for _, state := range []status.State{status.Waiting, status.Failed, status.RolledBack, status.Held} {
		f.set(func(s *status.Status) { s.Bundles[0].State, s.Bundles[0].Applied = state, s.Time })
		want(503, `{"ready":false,"reasons":[{"bundle":"web","state":"`+string(state)+`","line":"web: `)
	}
	f.set(func(s *status.Status) { s.Bundles, s.Ready = nil, false })
	want(503, "not everything has been rendered yet")
}

func TestLive(t *testing.T) {
	s := New(Options{Daemon: newFake()})
	if got := request(s.Handler(), "GET", base+"/live"); got.Code != 200 {
		t.Errorf("got %d %s", got.Code, got.Body)
	}
	s.alive.Store(time.Now().Add(-2 * mostLate).UnixNano())
	if got := request(s.Handler(), "GET", base+"/live"); got.Code != 503 || !strings.Contains(got.Body.String(), "has made no progress for 2m0s") {
		t.Errorf("got %d %s", got.Code, got.Body)
	}
	s.Event(event.Alive{})
	if got := request(s.Handler(), "GET", base+"/live"); got.Code != 200 {
		t.Errorf("got %d %s", got.Code, got.Body)
	}
}

func TestStatus(t *testing.T) {
	h := New(Options{Daemon: newFake()}).Handler()
	for url, want := range map[string]int{
		"/v1/status": 200, "/v1/status?bundle=web": 200, "/v1/status?bundle=wab": 404,
		"/v1/diff?bundle=web": 200, "/v1/diff": 404, "/v1/history?bundle=web": 409, "/v1/nothing": 404, "/metrics": 404,
	} {
		if got := request(h, "GET", base+url); got.Code != want {
			t.Errorf("%s: got %d %s, want %d", url, got.Code, got.Body, want)
		}
	}
	var one status.Status
	if err := json.Unmarshal(request(h, "GET", base+"/v1/status?bundle=web").Body.Bytes(), &one); err != nil || len(one.Bundles) != 1 {
		t.Errorf("got %v, %v", one, err)
	}
}

// A pipe is a listener with one connection.
type pipe chan net.Conn

func (p pipe) Accept() (net.Conn, error) {
	if c, ok := <-p; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (p pipe) Close() error   { close(p); return nil }
func (p pipe) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// A slow is a Daemon whose changes take a minute.
type slow struct{ *fake }

func (slow) Rollback(ctx context.Context, _ string, generation int) (int, error) {
	select {
	case <-time.After(time.Minute):
		return generation, nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// TestSlowChange: a change may take longer than a request, and a private server
// asks for no token.
func TestSlowChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		l := make(pipe, 1)
		l <- server
		ctx, cancel := context.WithCancel(t.Context())
		var serving sync.WaitGroup
		serving.Go(func() { New(Options{Daemon: slow{newFake()}, Private: true}).Serve(ctx, l) })
		fmt.Fprint(client, "POST /v1/rollback?bundle=web&generation=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
		r, err := http.ReadResponse(bufio.NewReader(client), nil)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(r.Body); err != nil || r.StatusCode != http.StatusOK {
			t.Errorf("got %s %s, %v", r.Status, text, err)
		}
		client.Close()
		cancel()
		serving.Wait()
	})
}

// start runs a server on a free port until the test ends, and returns its address.
func start(t *testing.T, o Options) (s *Server, url string) {
	at := make(chan net.Addr, 1)
	o.Address, o.Listening, o.Warn = "127.0.0.1:0", func(a net.Addr) { at <- a }, func(err error) { t.Error(err) }
	s = New(o)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { s.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
		http.DefaultClient.CloseIdleConnections()
	})
	return s, fmt.Sprintf("http://%v", <-at)
}

// TestEvents: a reader gets all first, and then what changes.
func TestEvents(t *testing.T) {
	f := newFake()
	s, url := start(t, Options{Daemon: f})
	r, err := http.Get(url + "/v1/events")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	lines := bufio.NewScanner(r.Body)
	next := func() (kind string, got status.Status) {
		t.Helper()
		for lines.Scan() {
			name, text, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "event":
				kind = text
			case "data":
				if err := json.Unmarshal([]byte(text), &got); err != nil {
					t.Fatal(err)
				}
				return kind, got
			}
		}
		t.Fatalf("the stream has ended: %v", lines.Err())
		return "", status.Status{}
	}
	if kind, got := next(); kind != "status" || len(got.Bundles) != 2 || len(got.Queries) != 0 {
		t.Errorf("got %s %+v", kind, got)
	}
	f.set(func(s *status.Status) {
		s.Bundles[1].State = status.Failed
		s.Changes = []status.Change{{Number: 7}}
	})
	s.Event(event.Failed{})
	if kind, got := next(); kind != "update" || len(got.Bundles) != 1 || got.Bundles[0].State != status.Failed || len(got.Changes) != 1 {
		t.Errorf("got %s %+v", kind, got)
	}
	f.set(func(s *status.Status) { s.Bundles = s.Bundles[:1] })
	s.Event(event.Planned{})
	if _, got := next(); len(got.Bundles) != 1 || got.Bundles[0].Name != "web" || len(got.Changes) != 0 {
		t.Errorf("got %+v", got)
	}
}

// TestReadersShare: an overview is made once a second for all who read, and each gets it.
func TestReadersShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const seconds, readers = 5, 4
		f, made := newFake(), atomic.Int32{}
		s := &stream{overview: func() status.Status {
			made.Add(1)
			return f.Overview()
		}}
		ctx, cancel := context.WithCancel(t.Context())
		var reading sync.WaitGroup
		var replies []*httptest.ResponseRecorder
		for range readers {
			reply := httptest.NewRecorder()
			replies = append(replies, reply)
			reading.Go(func() { s.serve(reply, httptest.NewRequest("GET", "/v1/events", nil).WithContext(ctx)) })
			time.Sleep(streamGap / readers)
		}
		made.Store(0)
		for i := range seconds * 10 {
			f.set(func(s *status.Status) { s.Changes = []status.Change{{Number: i + 1, Bundle: fmt.Sprint("number ", i)}} })
			s.changes.Add(1)
			time.Sleep(streamGap / 10)
		}
		time.Sleep(streamGap)
		if n := made.Load(); n > seconds+1 {
			t.Errorf("%d overviews in %d seconds", n, seconds+1)
		}
		cancel()
		reading.Wait()
		for i, r := range replies {
			if text := r.Body.String(); !strings.Contains(text, fmt.Sprintf(`"number %d"`, seconds*10-1)) {
				t.Errorf("reader %d did not get the last change: %s", i, text)
			}
		}
	})
}

// TestSlowReader: who does not read is dropped.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		s := &stream{overview: newFake().Overview}
		s.serve(&stuck{ResponseRecorder: httptest.NewRecorder()}, httptest.NewRequest("GET", "/v1/events", nil))
		if took := time.Since(begun); took != writeTimeout || s.readers.Load() != 0 {
			t.Errorf("dropped after %v, and %d read", took, s.readers.Load())
		}
	})
}

// A stuck is a reply whose client does not read.
type stuck struct {
	*httptest.ResponseRecorder
	deadline time.Time
}

func (s *stuck) SetWriteDeadline(at time.Time) error {
	s.deadline = at
	return nil
}

func (s *stuck) Write([]byte) (int, error) {
	time.Sleep(time.Until(s.deadline))
	return 0, os.ErrDeadlineExceeded
}

// TestReaders: only so many may read.
func TestReaders(t *testing.T) {
	_, url := start(t, Options{Daemon: newFake()})
	for i := range maxReaders + 1 {
		r, err := http.Get(url + "/v1/events")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		if ok := r.StatusCode == http.StatusOK; ok != (i < maxReaders) {
			t.Errorf("reader %d: %s", i, r.Status)
		}
	}
}

// TestShutdown: a request that is under way does not keep the server.
func TestShutdown(t *testing.T) {
	var body io.ReadCloser
	t.Run("serve", func(t *testing.T) {
		_, url := start(t, Options{Daemon: newFake()})
		r, err := http.Get(url + "/v1/events")
		if err != nil {
			t.Fatal(err)
		}
		body = r.Body
	})
	defer body.Close()
	if _, err := io.Copy(io.Discard, body); err != nil {
		t.Error(err)
	}
}

// TestAddressInUse: that is reported once, and does not end anything.
func TestAddressInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var warnings []string
	New(Options{Address: l.Addr().String(), Daemon: newFake(), Warn: func(err error) {
		warnings = append(warnings, err.Error())
		cancel()
	}}).Run(ctx)
	if len(warnings) != 1 || !strings.Contains(warnings[0], "address already in use (rendering goes on;") {
		t.Errorf("warnings: %q", warnings)
	}
}
