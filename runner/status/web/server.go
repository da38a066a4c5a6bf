// Package web serves the state of a runner over HTTP: probes, metrics, JSON, a
// stream of what changes, and a page. docs/status.md lists what there is.
//
// It trusts no client: other web sites cannot read it through a browser, nothing can
// be changed without a token, and slow clients cost no more than their connection.
package web

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/netutil"

	"restencil/runner/event"
	"restencil/runner/status"
)

// Options say what is served, where and to whom.
type Options struct {
	Address string       // host:port
	Hosts   []string     // names that clients may use, besides localhost, IP addresses and the host of Address
	Token   string       // allows changes; "": there are none
	Private bool         // it is for commands of the daemon's own user: they need no token, page, probes and stream
	Metrics http.Handler // nil: none
	Daemon  Daemon

	Listening func(net.Addr) // is called when it listens, nil: nobody
	Warn      func(error)    // is called when it cannot listen
}

// A Daemon is what is served. Its methods may be called from any goroutine. What
// returns any is encoded as JSON, and holds no secret.
type Daemon interface {
	Snapshot() status.Status
	Status(context.Context) (any, error) // Snapshot, which may be encoded
	Overview() status.Status             // Snapshot with only those queries that fail
	Diff(ctx context.Context, bundle string) (any, error)
	History(ctx context.Context, bundle string) (any, error)
	Accept(ctx context.Context, bundle string) error
	Rollback(ctx context.Context, bundle string, generation int) (number int, err error)
}

const (
	maxConnections  = 128
	headerTimeout   = 5 * time.Second
	requestTimeout  = 10 * time.Second // to read a request
	writeTimeout    = 10 * time.Second // to write a reply, or a part of a stream
	idleTimeout     = 2 * time.Minute
	shutdownTimeout = 2 * time.Second
	maxHeader       = 16 << 10
	listenAgain     = time.Second // after a killed process, a child of it has the address for a moment
	mostLate        = time.Minute // for a loop that is alive
)

// Heartbeat is how often the runner is to emit event.Alive for /live.
const Heartbeat = 10 * time.Second

// A Server serves over HTTP. Make one with New.
type Server struct {
	o      Options
	stream *stream
	alive  atomic.Int64 // when the runner's loop last said so, as by time.Time.UnixNano
}

// New returns a Server, which serves once Run is called.
func New(o Options) *Server {
	s := &Server{o: o, stream: &stream{overview: o.Daemon.Overview}}
	s.alive.Store(time.Now().UnixNano())
	return s
}

// Event takes in an event of the runner, which costs next to nothing.
func (s *Server) Event(e event.Event) {
	if _, alive := e.(event.Alive); alive {
		s.alive.Store(time.Now().UnixNano())
		return
	}
	s.stream.changes.Add(1)
}

// Run serves until ctx ends and all requests have ended. Where it cannot listen, it
// tries again.
func (s *Server) Run(ctx context.Context) {
	var failed string
	for {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", s.o.Address)
		if err == nil {
			if s.o.Listening != nil {
				s.o.Listening(l.Addr())
			}
			s.Serve(ctx, netutil.LimitListener(l, maxConnections))
			return
		}
		if ctx.Err() == nil && err.Error() != failed {
			failed = err.Error()
			s.o.Warn(fmt.Errorf("the status is not served over HTTP: %w (rendering goes on; it is tried again every %v)", err, listenAgain))
		}
		select {
		case <-time.After(listenAgain):
		case <-ctx.Done():
			return
		}
	}
}

// Serve serves the connections of a listener, which it closes, until ctx ends and all
// requests have ended.
func (s *Server) Serve(ctx context.Context, l net.Listener) {
	var requests sync.WaitGroup
	handler := sync.OnceValue(s.Handler) // mostly nobody asks
	var protocols http.Protocols
	protocols.SetHTTP1(true) // without TLS there is no other; preparing HTTP/2 takes memory
	server := http.Server{
		Protocols: &protocols,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			defer requests.Done()
			handler().ServeHTTP(w, r)
		}),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
	}
	var running sync.WaitGroup
	running.Go(func() {
		<-ctx.Done()
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		if server.Shutdown(ending) != nil {
			_ = server.Close()
		}
	})
	// It returns once Shutdown is called, or when the listener fails, which it does not.
	_ = server.Serve(l)
	running.Wait()
	requests.Wait()
}
