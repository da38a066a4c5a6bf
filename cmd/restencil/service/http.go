package service

import (
	"context"
	"fmt"
	"net"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"

	"restencil/cmd/restencil/config"
	"restencil/runner/event"
	"restencil/runner/status/metrics"
	"restencil/runner/status/web"
)

// An httpServer serves the status over HTTP while the configuration says so.
type httpServer struct {
	config  config.Status
	metrics *metrics.Metrics // nil: nobody has asked for them yet
	server  atomic.Pointer[web.Server]
	cancel  context.CancelFunc // ends server
	running sync.WaitGroup
}

// serveHTTP serves the status as s.cfg says, until ctx ends. Each call replaces what
// the one before began, if the configuration is another.
func (s *service) serveHTTP(ctx context.Context) {
	h, want := &s.http, s.cfg.Status
	if s.cfg.Once || s.cfg.Dry {
		want = config.Status{}
	}
	if reflect.DeepEqual(want, h.config) {
		return
	}
	h.close()
	h.config = want
	if want.Address == "" {
		s.model.Listen(nil)
		return
	}
	d := s.daemon()
	if h.metrics == nil {
		h.metrics = metrics.New(metrics.Options{Snapshot: d.Snapshot, Version: s.Build.Version, Revision: s.Build.Commit, GoVersion: runtime.Version()})
	}
	s.model.Listen(h.metrics)
	server := web.New(web.Options{
		Address: want.Address, Hosts: want.Hosts, Token: want.Token,
		Metrics: h.metrics,
		Daemon:  d,
		Listening: func(at net.Addr) {
			s.log.Info(fmt.Sprintf("the status is served at http://%v/", at), "component", "cli")
		},
		Warn: s.warner("cli"),
	})
	ctx, h.cancel = context.WithCancel(ctx)
	h.server.Store(server)
	h.running.Go(func() { server.Run(ctx) })
}

// close ends what serveHTTP began, and waits for that.
func (h *httpServer) close() {
	h.server.Store(nil)
	if h.cancel != nil {
		h.cancel()
	}
	h.running.Wait()
}

// event takes in an event of the runner. It may be called from any goroutine.
func (h *httpServer) event(e event.Event) {
	if server := h.server.Load(); server != nil {
		server.Event(e)
	}
}
