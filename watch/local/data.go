package local

import (
	"context"
	"errors"
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
	path string
	file *filewatch.Source // of the one file

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
	content, err := filewatch.ReadFile(path)
	if err != nil {
		return nil, unreadable(err)
	}
	model, err := Parse(path, content)
	if err != nil {
		return nil, err
	}
	d := &Data{
		path:      path,
		file:      filewatch.NewSource(),
		model:     model,
		questions: make(map[watch.Query]*question),
	}
	d.file.Watch(watch.Subscription{ID: watch.Query{Kind: watch.FileContent, Name: path}.ID(), Sink: fileSink{d}})
	return d, nil
}

func unreadable(err error) error { return fmt.Errorf("reading the data file: %w", err) }

// Run implements watch.Source.
func (d *Data) Run(ctx context.Context) {
	d.file.Run(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.running = false
}

// A fileSink takes what the data file says.
type fileSink struct{ *Data }

func (d fileSink) Publish(a watch.Answer) {
	content, _ := a.Data.(string)
	d.take(Parse(d.path, []byte(content)))
}

func (d fileSink) Fail(err error) {
	if told, ok := errors.AsType[*watch.Error](err); ok {
		err = told.Err
	}
	d.take(nil, unreadable(err))
}

// take takes over what the file says now, and answers every question.
func (d *Data) take(model *Model, err error) {
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
}

// Watch implements watch.Source.
func (d *Data) Watch(list ...watch.Subscription) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, sub := range list {
		asked := &question{query: sub.ID.Value(), sink: sub.Sink}
		d.questions[asked.query] = asked
		if d.running {
			d.serve(asked)
		}
	}
}

// Unwatch implements watch.Source.
func (d *Data) Unwatch(ids ...watch.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, id := range ids {
		delete(d.questions, id.Value())
	}
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
