package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"restencil/cmd/restencil/config"
	"restencil/runner"
	"restencil/runner/diff"
	"restencil/runner/event"
	"restencil/runner/journal"
	"restencil/runner/status"
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
		return
	}
	d := daemon{s.runner, s.model, s.state.journal}
	if h.metrics == nil {
		number, revision, _ := build()
		h.metrics = metrics.New(metrics.Options{Snapshot: d.Snapshot, Version: number, Revision: revision, GoVersion: runtime.Version()})
		s.model.Listen(h.metrics)
	}
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

// A daemon answers the requests of commands, and those over HTTP.
type daemon struct {
	*runner.Runner
	model   *status.Model
	journal *journal.Journal // nil: there is none
}

// Snapshot implements web.Daemon.
func (d daemon) Snapshot() status.Status {
	s := d.model.Snapshot(time.Now(), d.Inspect())
	s.Directory, _ = os.Getwd() // "": it is gone
	return s
}

// Overview implements web.Daemon.
func (d daemon) Overview() status.Status { return d.model.Overview(time.Now(), d.Inspect()) }

// Status implements control.Daemon.
func (d daemon) Status(context.Context) (any, error) { return d.Snapshot(), nil }

// diffTimeout is how long Diff waits for a change that is under way.
const diffTimeout = time.Second

// errChanging is the error of Diff where a change, or its command, takes longer.
var errChanging = errors.New("a command of it runs: ask again when that has ended")

// Diff implements control.Daemon and web.Daemon.
func (d daemon) Diff(ctx context.Context, bundle string) (any, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, diffTimeout, errChanging)
	defer cancel()
	pending, err := d.Runner.Diff(ctx, bundle)
	return unified(pending), err
}

// A fileDiff is how a file would change, or has changed.
type fileDiff struct {
	Path string `json:"path"`
	Diff string `json:"diff"` // in the unified format
}

func unified(files []diff.File) []fileDiff {
	all := make([]fileDiff, len(files))
	for i, f := range files {
		all[i] = fileDiff{Path: f.Path, Diff: f.Unified()}
	}
	return all
}

// A generationDiff is a generation of a bundle, with how its files differ from the
// one before.
type generationDiff struct {
	Number int        `json:"generation"`
	Time   time.Time  `json:"time"`
	Files  []fileDiff `json:"files"` // that differ
	First  bool       `json:"first"` // the one before is not kept, so that no difference is known
}

// History implements web.Daemon: the generations that are kept, the newest first.
func (d daemon) History(_ context.Context, bundle string) (any, error) {
	all := []generationDiff{}
	if d.journal == nil {
		return all, nil
	}
	list, err := d.journal.History(bundle)
	if err != nil {
		return nil, err
	}
	before := make(map[string]diff.File) // by path
	for i, g := range list {
		g, err := d.journal.Generation(bundle, g.Number)
		if err != nil {
			return nil, err
		}
		var files []diff.File
		for _, f := range g.Files {
			now := before[f.Path]
			now.Path, now.Old, now.New = f.Path, now.New, f.Content
			now.Secret = now.Secret || f.Secret || f.Tainted
			files = append(files, now)
			now.Exists = true
			before[f.Path] = now
		}
		one := generationDiff{Number: g.Number, Time: g.Time, Files: []fileDiff{}, First: i == 0}
		for _, f := range unified(files) {
			if i > 0 && f.Diff != "" {
				one.Files = append(one.Files, f)
			}
		}
		all = append([]generationDiff{one}, all...)
	}
	return all, nil
}
