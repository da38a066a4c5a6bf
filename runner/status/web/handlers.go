package web

import (
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"time"

	"restencil/runner/status"
)

//go:embed page
var page embed.FS

// Handler returns the handler of all requests.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	if !s.o.Private {
		files, err := fs.Sub(page, "page")
		if err != nil {
			panic(err) // the name is a constant
		}
		mux.Handle("GET /", http.FileServerFS(files))
		mux.HandleFunc("GET /live", s.live)
		mux.HandleFunc("GET /ready", s.ready)
		mux.HandleFunc("GET /v1/events", s.stream.serve)
	}
	mux.HandleFunc("GET /v1/status", s.status)
	mux.HandleFunc("GET /v1/diff", s.ofBundle(func(r *http.Request, bundle string) (any, error) { return s.o.Daemon.Diff(r.Context(), bundle) }))
	mux.HandleFunc("GET /v1/history", s.ofBundle(func(r *http.Request, bundle string) (any, error) { return s.o.Daemon.History(r.Context(), bundle) }))
	mux.HandleFunc("POST /v1/accept", s.withToken(s.ofBundle(func(r *http.Request, bundle string) (any, error) {
		return done{Bundle: bundle}, s.o.Daemon.Accept(r.Context(), bundle)
	})))
	mux.HandleFunc("POST /v1/rollback", s.withToken(s.ofBundle(func(r *http.Request, bundle string) (any, error) {
		generation, err := strconv.Atoi(cmp.Or(r.URL.Query().Get("generation"), "0"))
		if err != nil || generation < 0 {
			return nil, fmt.Errorf("expected the number of a generation, found %q", r.URL.Query().Get("generation"))
		}
		generation, err = s.o.Daemon.Rollback(r.Context(), bundle, generation)
		return done{bundle, generation}, err
	})))
	if s.o.Metrics != nil {
		mux.Handle("GET /metrics", s.o.Metrics)
	}
	return s.guard(mux)
}

// A done is the reply to a change that was made.
type done struct {
	Bundle     string `json:"bundle"`
	Generation int    `json:"generation,omitempty"` // that was put back
}

// A failure is the reply where there is an error.
type failure struct {
	Error string `json:"error"`
}

// A reason is why a bundle is not ready.
type reason struct {
	Bundle string       `json:"bundle,omitempty"`
	State  status.State `json:"state,omitempty"`
	Line   string       `json:"line"`
	Do     string       `json:"do"`
}

func (s *Server) live(w http.ResponseWriter, _ *http.Request) {
	late := time.Since(time.Unix(0, s.alive.Load()))
	if late > mostLate {
		fail(w, http.StatusServiceUnavailable, fmt.Errorf("the main loop has made no progress for %v", late.Round(time.Second)))
		return
	}
	reply(w, http.StatusOK, struct {
		Live bool `json:"live"`
	}{true})
}

// ready answers whether every bundle is applied, or has been and changes now.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	now := s.o.Daemon.Overview()
	reasons := []reason{}
	for _, b := range now.Bundles {
		changing := b.State == status.Settling || b.State == status.Changing
		if b.State != status.Applied && (!changing || b.Applied.IsZero()) {
			reasons = append(reasons, reason{b.Name, b.State, b.Line(now.Time), b.Do(now.Time)})
		}
	}
	if !now.Ready && len(reasons) == 0 {
		reasons = append(reasons, reason{Line: "not everything has been rendered yet", Do: "wait"})
	}
	code := http.StatusOK
	if len(reasons) > 0 {
		code = http.StatusServiceUnavailable
	}
	reply(w, code, struct {
		Ready   bool     `json:"ready"`
		Reasons []reason `json:"reasons"`
	}{len(reasons) == 0, reasons})
}

func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("bundle")
	if name == "" {
		now, err := s.o.Daemon.Status(r.Context())
		if err != nil {
			fail(w, http.StatusInternalServerError, err)
			return
		}
		reply(w, http.StatusOK, now)
		return
	}
	now := s.o.Daemon.Snapshot()
	b := now.Find(name)
	if b == nil {
		fail(w, http.StatusNotFound, fmt.Errorf("there is no bundle %q", name))
		return
	}
	reply(w, http.StatusOK, now.Only(*b))
}

// ofBundle returns a handler that replies with what do returns for the bundle that
// the request names.
func (s *Server) ofBundle(do func(r *http.Request, bundle string) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := r.URL.Query().Get("bundle")
		if !slices.ContainsFunc(s.o.Daemon.Overview().Bundles, func(b status.Bundle) bool { return b.Name == name }) {
			fail(w, http.StatusNotFound, fmt.Errorf("there is no bundle %q", name))
			return
		}
		result, err := do(r, name)
		if err != nil {
			fail(w, http.StatusConflict, err)
			return
		}
		reply(w, http.StatusOK, result)
	}
}

func fail(w http.ResponseWriter, code int, err error) { reply(w, code, failure{err.Error()}) }

func reply(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	if text, ok := body.(json.RawMessage); ok {
		_, _ = w.Write(text)
		return
	}
	_ = json.NewEncoder(w).Encode(body) // the client may be gone
}
