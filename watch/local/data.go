package local

import (
	"context"
	"fmt"
	"sync"
	"time"

	"restencil/watch"
	"restencil/watch/filewatch"
)

// Data is the source that answers Consul's queries from a data file, which it
// follows: when the file changes, it answers all of them anew.
//
// While the file cannot be read or is wrong, every query has a failure that
// says why and where; what was answered before stays with those who have it.
type Data struct {
	path    string
	watcher *filewatch.Watcher

	mu        sync.Mutex // held while sinks are told
	running   bool       // Run has read the file
	model     *Model
	failure   error // nil where model is what the file says
	questions map[watch.Query]*question
}

// A question is a watched query.
type question struct {
	query   watch.Query
	sink    watch.Sink
	failure string // the newest failure, "" after an answer
}

// NewData reads the data file at path, so that a missing or wrong file is an
// error at once. The error is one line that names the file.
func NewData(path string) (*Data, error) {
	content, err := readData(path)
	if err != nil {
		return nil, err
	}
	model, err := Parse(path, content)
	if err != nil {
		return nil, err
	}
	d := &Data{
		path:      path,
		watcher:   filewatch.New(filewatch.Options{Settle: filewatch.Settle}),
		model:     model,
		questions: make(map[watch.Query]*question),
	}
	d.watcher.Add(path)
	return d, nil
}

func readData(path string) ([]byte, error) {
	content, err := filewatch.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the data file: %w", err)
	}
	return content, nil
}

// Run implements watch.Source.
func (d *Data) Run(ctx context.Context) {
	d.watcher.Run(ctx, d.refresh)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.running = false
}

// refresh reads the file, and answers every question.
func (d *Data) refresh(added, changed []string) (failed []string) {
	var model *Model
	content, err := readData(d.path)
	if err != nil {
		failed = []string{d.path}
	} else {
		model, err = Parse(d.path, content)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.running, d.failure = true, err
	if err == nil {
		model.follow(d.model)
		d.model = model
	}
	for _, asked := range d.questions {
		d.serve(asked)
	}
	return failed
}

// Watch implements watch.Source.
func (d *Data) Watch(q watch.Query, sink watch.Sink) {
	d.mu.Lock()
	defer d.mu.Unlock()
	asked := &question{query: q, sink: sink}
	d.questions[q] = asked
	if d.running {
		d.serve(asked)
	}
}

// Unwatch implements watch.Source.
func (d *Data) Unwatch(q watch.Query) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.questions, q)
}

// serve tells the asker what there is to know. The caller holds d.mu.
func (d *Data) serve(asked *question) {
	if d.failure != nil {
		asked.fail(&watch.Error{Query: asked.query, Class: watch.Retry, Err: d.failure})
		return
	}
	data, err := d.model.Answer(asked.query)
	if err != nil {
		asked.fail(err)
		return
	}
	asked.failure = ""
	asked.sink.Publish(watch.Answer{Data: data, Index: d.model.index, Time: time.Now()})
}

// fail tells of a failure that is not the one before.
func (q *question) fail(err error) {
	if q.failure != err.Error() {
		q.failure = err.Error()
		q.sink.Fail(err)
	}
}
