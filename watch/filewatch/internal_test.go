package filewatch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/google/go-cmp/cmp"

	"restencil/watch"
)

func noSystem() (*fsnotify.Watcher, error) { return nil, errors.New("there is none") }

// texts is a Sink that keeps each content, and "error" for a failure.
type texts []string

func (got *texts) Publish(a watch.Answer) bool { *got = append(*got, a.Data.(string)); return true }
func (got *texts) Fail(error)                  { *got = append(*got, "error") }

// Where the system gives no events, a change is found at the next poll.
func TestPolling(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	synctest.Test(t, func(t *testing.T) {
		var got texts
		s := NewSource()
		s.watcher.open = noSystem
		s.Watch(watch.Subscription{ID: watch.Query{Kind: watch.FileContent, Name: path}.ID(), Sink: &got})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { s.Run(ctx) })
		for _, content := range []string{"", "one", "one", "three", ""} {
			if content == "" {
				os.Remove(path)
			} else if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
			time.Sleep(pollInterval)
			synctest.Wait()
		}
		cancel()
		wg.Wait()
		if diff := cmp.Diff(texts{"error", "one", "three", "error"}, got); diff != "" {
			t.Errorf("reports (-want +got):\n%s", diff)
		}
	})
}

// What could not be read is looked at again at each poll, though nothing seems
// to have changed.
func TestFailedReadIsTriedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		w := New(Options{})
		w.open = noSystem
		w.Add(path)
		failures, reports := 3, 0
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			w.Run(ctx, func(added, changed []string) (failed []string) {
				reports++
				if failures--; failures >= 0 {
					return slices.Concat(added, changed)
				}
				return nil
			})
		})
		time.Sleep(10 * pollInterval)
		synctest.Wait()
		cancel()
		wg.Wait()
		if reports != 4 {
			t.Errorf("%d reports, want those of 3 failures and a success", reports)
		}
	})
}

// Set adds and removes what differs, and what stays is not reported anew.
func TestSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(Options{})
		w.open = noSystem
		var reports [][]string
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			w.Run(ctx, func(added, changed []string) (failed []string) {
				slices.Sort(added)
				reports = append(reports, added, changed)
				return nil
			})
		})
		at := func(name string) string { return filepath.Join(t.TempDir(), name) }
		gone, stays, comes := at("gone"), at("stays"), at("stays")+"2"
		for _, paths := range [][]string{{stays, gone, stays}, {stays, comes}, {comes, stays}} {
			w.Set(paths)
			synctest.Wait()
		}
		for _, path := range []string{gone, stays, comes} {
			if err := os.WriteFile(path, nil, 0o644); err != nil {
				t.Fatal(err)
			}
			time.Sleep(pollInterval)
			synctest.Wait()
		}
		cancel()
		wg.Wait()
		first := []string{gone, stays}
		slices.Sort(first)
		if diff := cmp.Diff([][]string{first, nil, {comes}, nil, nil, {stays}, nil, {comes}}, reports); diff != "" {
			t.Errorf("reports (-want +got):\n%s", diff)
		}
	})
}

// A poll while a change settles does not report it before it has, and then once.
func TestPollWhileAChangeSettles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	system, err := fsnotify.NewWatcher()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		const settle = 100 * time.Millisecond
		named := make(chan fsnotify.Event)
		system.Events, system.Errors = named, nil // so that the test says when there is one
		w := New(Options{Settle: settle})
		w.open = func() (*fsnotify.Watcher, error) { return system, nil }
		w.Add(path)
		began := time.Now()
		var reports []time.Duration
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			w.Run(ctx, func(_, changed []string) (failed []string) {
				if len(changed) > 0 {
					reports = append(reports, time.Since(began))
				}
				return nil
			})
		})
		written := pollInterval - settle/2
		time.Sleep(written)
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		named <- fsnotify.Event{Name: path}
		time.Sleep(2 * pollInterval)
		synctest.Wait()
		cancel()
		wg.Wait()
		if diff := cmp.Diff([]time.Duration{written + settle}, reports); diff != "" {
			t.Errorf("times of reports (-want +got):\n%s", diff)
		}
	})
}

// With Whole, a file that is being written when it is added is reported once it has
// been written.
func TestAddedWhileItIsWritten(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux says who writes")
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	synctest.Test(t, func(t *testing.T) {
		w := New(Options{Whole: true})
		w.open = noSystem
		w.Add(file.Name())
		reports := make(chan [2][]string, 100)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			w.Run(ctx, func(added, changed []string) (failed []string) {
				reports <- [2][]string{added, changed}
				return nil
			})
		})
		wait := func() {
			time.Sleep(10 * pollInterval)
			synctest.Wait()
		}
		wait()
		if len(reports) > 0 {
			t.Errorf("while it was written: report %q", <-reports)
		}
		file.Close()
		wait()
		cancel()
		wg.Wait()
		close(reports)
		var got [][2][]string
		for r := range reports {
			got = append(got, r)
		}
		if diff := cmp.Diff([][2][]string{{{file.Name()}}}, got); diff != "" {
			t.Errorf("then (-want +got):\n%s", diff)
		}
	})
}

// A directory that is never quiet does not put off the look for ever.
func TestEventsSettle(t *testing.T) {
	const settle = 5 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		tests := []struct {
			name    string
			every   time.Duration // an event
			looksAt time.Duration
		}{
			{"one event", time.Hour, settle},
			{"quiet at last", 2 * settle, settle},
			{"never quiet", settle / 2, maxSettles * settle},
		}
		for _, tt := range tests {
			e, begin := &events{}, time.Now()
			event := time.NewTicker(tt.every)
			e.add("dir/file", settle)
			for waiting := true; waiting; {
				select {
				case <-event.C:
					e.add("dir/other", settle)
				case <-e.quiet:
					waiting = false
				}
			}
			if took := time.Since(begin); took != tt.looksAt {
				t.Errorf("%s: the look is after %v, want %v", tt.name, took, tt.looksAt)
			}
			event.Stop()
		}
	})
}

// A change of any link on the way, or of the file at its end, is in one of the
// directories that are watched.
func TestInspect(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	at := func(path string) string { return filepath.Join(dir, path) }
	for _, path := range []string{"releases/5", "shared", "etc"} {
		if err := os.MkdirAll(at(path), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{
		"current":              "releases/5",
		"releases/5/data.yaml": at("shared/link.yaml"),
		"shared/link.yaml":     "../etc/data.yaml",
		"loop":                 "loop/loop",
	} {
		if err := os.Symlink(target, at(link)); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		path, real string
		dirs       []string
	}{
		{"etc/data.yaml", "etc/data.yaml", []string{"etc"}},
		{"none/data.yaml", "none/data.yaml", []string{"none"}},
		{"current/data.yaml", "etc/data.yaml", []string{"", "releases/5", "shared", "etc"}},
	}
	for _, tt := range tests {
		p := &entry{full: at(tt.path)}
		p.inspect(nil)
		var dirs []string
		for _, d := range tt.dirs {
			dirs = append(dirs, at(d))
		}
		if diff := cmp.Diff(dirs, p.dirs); diff != "" || p.real != at(tt.real) {
			t.Errorf("%s: real path %s, want %s; directories (-want +got):\n%s", tt.path, p.real, at(tt.real), diff)
		}
	}
	(&entry{full: at("loop/x")}).inspect(nil) // ends
}
