package probe

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// quick returns p with times that a test can wait for.
func quick(p Probe) Probe {
	p.Within, p.Interval, p.Timeout = 300*time.Millisecond, 20*time.Millisecond, 250*time.Millisecond
	return p
}

// holds fails unless p ends in an error that contains want, or in none for "".
func holds(t *testing.T, p Probe, want string) {
	t.Helper()
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	err := p.Wait(t.Context(), nil)
	switch {
	case want == "" && err != nil:
		t.Error(err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestHTTP(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/fine":
		case "/elsewhere":
			http.Redirect(w, r, "/broken", http.StatusFound)
		case "/endless":
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 4<<10)); err != nil {
					return
				}
			}
		case "/host":
			if r.Host != "a.example" {
				w.WriteHeader(http.StatusNotFound)
			}
		case "/silent":
			<-r.Context().Done()
		default:
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	tests := []struct {
		name  string
		probe Probe // its HTTP is a path
		want  string
	}{
		{"fine", Probe{HTTP: "/fine"}, ""},
		{"a redirect is not followed", Probe{HTTP: "/elsewhere"}, ""},
		{"an endless body", Probe{HTTP: "/endless"}, ""},
		{"the wanted status", Probe{HTTP: "/broken", Status: 503}, ""},
		{"host", Probe{HTTP: "/host", Host: "a.example"}, ""},
		{"not the host", Probe{HTTP: "/host"}, ": status 404"},
		{"a status of 400 and above", Probe{HTTP: "/broken"}, "/broken: tried for 300ms, "},
		{"not the wanted status", Probe{HTTP: "/fine", Status: 204}, " times: status 200, not 204"},
		{"no answer", Probe{HTTP: "/silent"}, ": no answer within "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.probe.HTTP = server.URL + test.probe.HTTP
			p := quick(test.probe)
			if test.want == "" {
				p.Within, p.Timeout = 0, 0 // not to fail on a slow machine
			}
			start := time.Now()
			holds(t, p, test.want)
			if took := time.Since(start); took > 5*time.Second/2 {
				t.Errorf("took %v", took)
			}
		})
	}
}

// TestHTTPEachTime is about connections that were made before the reload: a
// probe that kept one would ask the old program.
func TestHTTPEachTime(t *testing.T) {
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	holds(t, Probe{HTTP: server.URL, For: 50 * time.Millisecond, Interval: 10 * time.Millisecond}, "")
	if n := connections.Load(); n < 2 {
		t.Errorf("%d connections", n)
	}
}

func TestHTTPRecovers(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) < 3 {
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	defer server.Close()
	holds(t, Probe{HTTP: server.URL, Interval: time.Millisecond}, "")
	if n := asked.Load(); n != 3 {
		t.Errorf("asked %d times", n)
	}
}

func TestHTTPS(t *testing.T) {
	var name atomic.Value
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		name.Store(hello.ServerName)
		return nil, nil
	}}
	server.StartTLS()
	defer server.Close()
	// One try, which may take long on a busy machine.
	holds(t, Probe{HTTP: server.URL, Within: time.Minute, Interval: time.Minute, Timeout: time.Minute}, "certificate")
	holds(t, Probe{HTTP: server.URL, SkipVerify: true, Host: "a.example:8443"}, "")
	if got := name.Load(); got != "a.example" {
		t.Errorf("the server was asked for %v", got)
	}
}

func TestTCP(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	holds(t, Probe{TCP: address}, "")
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	holds(t, quick(Probe{TCP: address}), "connection to "+address+": tried for 300ms, ")
	err = quick(Probe{HTTP: "http://" + address}).Wait(t.Context(), nil)
	if err == nil || strings.Count(err.Error(), "http://") != 1 {
		t.Errorf("the URL is not in %v once", err)
	}
}

func TestHTTPIsStopped(t *testing.T) {
	asked := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	}))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	start := time.Now()
	err := Probe{HTTP: server.URL, Within: time.Minute, Timeout: time.Minute}.Wait(ctx, nil)
	if err == nil || !strings.HasSuffix(err.Error(), context.Canceled.Error()) || time.Since(start) > 20*time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
}
