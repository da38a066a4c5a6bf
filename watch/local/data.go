package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"sync"
	"time"

	"restencil/watch"
)

// Data is the source that answers Consul's queries from a data file, which it
// follows: when the file changes, it publishes the answers that changed.
//
// While the file cannot be read or is wrong, every query has a failure that
// says why and where; what was answered before stays with those who have it.
type Data struct {
	path string

	// The file as it was read last; Run's alone.
	model   *Model
	failure error // nil where model is what the file says
	ready   bool  // Run has read the file

	wake chan struct{} // capacity 1: fresh has grown

	mu        sync.Mutex
	questions map[watch.Query]*question
	fresh     []*question // not served yet
}

// A question is a watched query. Its fields below the line are Run's alone.
type question struct {
	query watch.Query
	sink  watch.Sink

	answered bool
	data     any
	failure  string // the newest failure, "" after an answer
}

// NewData reads the data file at path, so that a missing or wrong file is an
// error at once. The error is one line that names the file.
func NewData(path string) (*Data, error) {
	content, _, err := location{path: path}.read()
	if err != nil {
		return nil, unreadable(path, err)
	}
	model, err := Parse(path, []byte(content))
	if err != nil {
		return nil, err
	}
	return &Data{
		path:      path,
		model:     model,
		wake:      make(chan struct{}, 1),
		questions: make(map[watch.Query]*question),
	}, nil
}

// unreadable wraps an error of location.read.
func unreadable(path string, err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return fmt.Errorf("reading data file %s: %w", path, err)
}

// Watch implements watch.Source.
func (d *Data) Watch(q watch.Query, sink watch.Sink) {
	d.mu.Lock()
	defer d.mu.Unlock()
	asked := &question{query: q, sink: sink}
	d.questions[q] = asked
	d.fresh = append(d.fresh, asked)
	wakeUp(d.wake)
}

// Unwatch implements watch.Source.
func (d *Data) Unwatch(q watch.Query) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.questions, q)
}

// Run implements watch.Source.
func (d *Data) Run(ctx context.Context) {
	type reading struct {
		content string
		err     error
	}
	readings := make(chan reading)
	f := newFollower()
	f.follow(location{path: d.path}, func(content string, err error) {
		select {
		case readings <- reading{content, err}:
		case <-ctx.Done():
		}
	})
	var wg sync.WaitGroup
	wg.Go(func() { f.run(ctx) })
	defer wg.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-readings:
			d.read(r.content, r.err)
			d.serve(d.all())
		case <-d.wake:
			if d.ready { // else the first reading is about to serve all
				d.serve(d.takeFresh())
			}
		}
	}
}

// read takes over what the file says now.
func (d *Data) read(content string, err error) {
	d.ready = true
	if err != nil {
		d.failure = unreadable(d.path, err)
		return
	}
	model, err := Parse(d.path, []byte(content))
	if d.failure = err; err == nil {
		model.follow(d.model)
		d.model = model
	}
}

// all returns every question.
func (d *Data) all() []*question {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fresh = nil
	all := make([]*question, 0, len(d.questions))
	for _, asked := range d.questions {
		all = append(all, asked)
	}
	return all
}

// takeFresh returns the questions that came since the last time.
func (d *Data) takeFresh() []*question {
	d.mu.Lock()
	defer d.mu.Unlock()
	fresh := d.fresh
	d.fresh = nil
	return fresh
}

// watches tells whether asked has not been unwatched.
func (d *Data) watches(asked *question) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.questions[asked.query] == asked
}

// serve tells each question what is new to it.
func (d *Data) serve(questions []*question) {
	for _, asked := range questions {
		if !d.watches(asked) {
			continue
		}
		if d.failure != nil {
			asked.fail(&watch.Error{Query: asked.query, Class: watch.Retry, Err: d.failure})
			continue
		}
		data, err := d.model.Answer(asked.query)
		if err != nil {
			asked.fail(err)
			continue
		}
		asked.answer(data, d.model.index)
	}
}

func (q *question) fail(err error) {
	if q.failure != err.Error() {
		q.failure = err.Error()
		q.sink.Fail(err)
	}
}

func (q *question) answer(data any, index uint64) {
	if q.answered && q.failure == "" && reflect.DeepEqual(q.data, data) {
		return
	}
	q.answered, q.data, q.failure = true, data, ""
	q.sink.Publish(watch.Answer{Data: data, Index: index, Time: time.Now()})
}
