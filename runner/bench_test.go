package runner

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"restencil/runner/event"
	"restencil/template"
	"restencil/watch"
)

// A keyStore is a fakeStore whose set costs the same however many keys there
// are.
type keyStore struct {
	mu    sync.Mutex
	data  map[string]any
	sinks map[watch.Query]watch.Sink
}

func (s *keyStore) Run(ctx context.Context) { <-ctx.Done() }

func (s *keyStore) Watch(list ...watch.Subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sub := range list {
		q := sub.ID.Value()
		s.sinks[q] = sub.Sink
		sub.Sink.Publish(answer(q, s.data[q.Name]))
	}
}

func (s *keyStore) Unwatch(ids ...watch.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		delete(s.sinks, id.Value())
	}
}

func (s *keyStore) set(name string, value any) {
	q := watch.Query{Kind: watch.KVGet, Name: name}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data[name] = value
	s.sinks[q].Publish(answer(q, value))
}

// A track is a runner on a fake store, in real time and on the real disk. It
// counts the files that are put in place.
type track struct {
	store    *keyStore
	rendered chan struct{}
	stop     func()
}

// newTrack starts a runner and waits for the first output of each template.
func newTrack(b *testing.B, templates []Template, data map[string]any) *track {
	b.Helper()
	dir := b.TempDir()
	for i := range templates {
		templates[i].Destination = filepath.Join(dir, templates[i].Name)
	}
	t := &track{
		store:    &keyStore{data: data, sinks: make(map[watch.Query]watch.Sink)},
		rendered: make(chan struct{}, len(templates)),
	}
	r, err := New(Options{Templates: templates, Events: t.event}, watch.New(map[watch.Store]watch.Source{watch.Consul: t.store}))
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
	})
	b.Cleanup(t.stop)
	t.wait(len(templates))
	return t
}

func (t *track) event(e event.Event) {
	if _, ok := e.(event.Rendered); ok {
		t.rendered <- struct{}{}
	}
}

// wait waits until n files are in place.
func (t *track) wait(n int) {
	for range n {
		<-t.rendered
	}
}

// keyTemplates returns n templates, each with the key that name gives it, and
// their data.
func keyTemplates(n int, name func(int) string) ([]Template, map[string]any) {
	templates, data := make([]Template, n), make(map[string]any)
	for i := range templates {
		k := name(i)
		templates[i] = tmpl(fmt.Sprintf("out%d", i), fmt.Sprintf(`{{ key %q }}`, k))
		data[k] = "value 0"
	}
	return templates, data
}

// One key of one template of so many changes.
func BenchmarkFanOut(b *testing.B) {
	for _, n := range []int{1, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			templates, data := keyTemplates(n, func(i int) string { return fmt.Sprintf("app/key%d", i) })
			t := newTrack(b, templates, data)
			i := 0
			for b.Loop() {
				i++
				t.store.set(fmt.Sprintf("app/key%d", i*7919%n), fmt.Sprintf("value %d", i))
				t.wait(1)
			}
		})
	}
}

// A key of 300 templates changes, in turns with what that cannot do without:
// 300 files are written durably. Disks have their moods, so only what was
// measured in one run can be compared.
func BenchmarkShared(b *testing.B) {
	const n = 300
	templates, data := keyTemplates(n, func(int) string { return "shared" })
	t, bare := newTrack(b, templates, data), b.TempDir()
	var took, limit []time.Duration
	for b.Loop() {
		value := fmt.Sprintf("value %d", len(took)+1)
		start := time.Now()
		t.store.set("shared", value)
		t.wait(n)
		between := time.Now()
		writeBare(b, bare, n, []byte(value))
		took, limit = append(took, between.Sub(start)), append(limit, time.Since(between))
	}
	b.ReportMetric(median(took), "ms")
	b.ReportMetric(median(limit), "limit-ms")
	b.ReportMetric(median(took)/median(limit), "ratio")
}

// median is in milliseconds.
func median(d []time.Duration) float64 {
	slices.Sort(d)
	return float64(d[len(d)/2].Microseconds()) / 1000
}

// writeBare writes n files durably, as many at a time as a bundle does.
func writeBare(b *testing.B, dir string, n int, content []byte) {
	const writers = 32
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := w; i < n; i += writers {
				if err := durable(filepath.Join(dir, fmt.Sprint("out", i)), content); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// durable replaces a file, and does nothing else for it.
func durable(path string, content []byte) error {
	f, err := os.Create(path + ".new")
	if err != nil {
		return err
	}
	if _, err := f.Write(content); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// The first output of one template with 10,000 keys.
func BenchmarkColdKeys(b *testing.B) {
	const n = 10000
	data := make(map[string]any)
	for i := range n {
		data[fmt.Sprintf("app/key%d", i)] = "value"
	}
	text := `{{ range loop 10000 }}{{ key (printf "app/key%d" .) }}{{ end }}`
	for b.Loop() {
		newTrack(b, []Template{{Options: template.Options{Name: "out", Text: text}}}, data).stop()
	}
}
