package service

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"time"

	"restencil/runner"
	"restencil/runner/diff"
	"restencil/runner/journal"
	"restencil/runner/status"
	"restencil/runner/status/model"
)

// A daemon answers the requests of commands and of other HTTP clients.
type daemon struct {
	*runner.Runner
	model   *model.Model
	journal *journal.Journal // nil: there is none
	views
}

// views are what many may ask for at once.
type views struct {
	snapshot *shared[status.Status]
	json     *shared[json.RawMessage]
}

func (s *service) daemon() daemon { return daemon{s.runner, s.model, s.state.journal, s.views} }

// Snapshot implements web.Daemon.
func (d daemon) Snapshot() status.Status {
	s, _ := d.snapshot.get(func() (status.Status, error) {
		s := d.model.Snapshot(time.Now(), d.Inspect())
		s.Directory, _ = os.Getwd() // "": it is gone
		return s, nil
	})
	return s
}

// Overview implements web.Daemon.
func (d daemon) Overview() status.Status { return d.model.Overview(time.Now(), d.Inspect()) }

// Status implements web.Daemon: it returns Snapshot as JSON.
func (d daemon) Status(context.Context) (any, error) {
	return d.json.get(func() (json.RawMessage, error) { return json.Marshal(d.Snapshot()) })
}

// diffTimeout is how long Diff waits for a change that is under way.
const diffTimeout = time.Second

// Diff implements web.Daemon.
func (d daemon) Diff(ctx context.Context, bundle string) (any, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, diffTimeout, errors.New("a command of it is running: try again when it has ended"))
	defer cancel()
	pending, err := d.Runner.Diff(ctx, bundle)
	return unified(pending), err
}

// A FileDiff is how a file would change, or has changed.
type FileDiff struct {
	Path string `json:"path"`
	Diff string `json:"diff"` // in the unified format
}

func unified(files []diff.File) []FileDiff {
	all := make([]FileDiff, len(files))
	for i, f := range files {
		all[i] = FileDiff{Path: f.Path, Diff: f.Unified()}
	}
	return all
}

// A generationDiff is a generation of a bundle, with how its files differ from the
// one before.
type generationDiff struct {
	Number int        `json:"generation"`
	Time   time.Time  `json:"time"`
	Files  []FileDiff `json:"files"` // that differ
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
		one := generationDiff{Number: g.Number, Time: g.Time, Files: []FileDiff{}, First: i == 0}
		for _, f := range unified(files) {
			if i > 0 && f.Diff != "" {
				one.Files = append(one.Files, f)
			}
		}
		all = append([]generationDiff{one}, all...)
	}
	return all, nil
}
