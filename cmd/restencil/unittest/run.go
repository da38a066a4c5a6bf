package unittest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/diff"

	"restencil/cmd/restencil/config"
	"restencil/renderer"
	"restencil/renderer/parallel"
	"restencil/runner"
	"restencil/runner/event"
	"restencil/runner/layout"
	"restencil/runner/process"
	"restencil/runner/transaction"
	"restencil/template"
	"restencil/watch"
	"restencil/watch/filewatch"
	"restencil/watch/local/yamldoc"
)

// A Result is what became of a test.
type Result struct {
	*Test
	Failures []string // why it failed, each of one line or more; none: it succeeded
	Took     time.Duration
}

// Options say how tests are run.
type Options struct {
	Update  bool     // writes golden files
	Environ []string // of checks, besides the test's own
}

// Run runs tests, those of one directory side by side. It changes the working
// directory to that of each file, as restencil is started there.
func Run(ctx context.Context, tests []*Test, o Options) ([]Result, error) {
	home, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Chdir(home) }()
	var results []Result
	for from := 0; from < len(tests); {
		dir, to := filepath.Dir(tests[from].File), from+1
		for to < len(tests) && filepath.Dir(tests[to].File) == dir {
			to++
		}
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(home, dir)
		}
		if err := os.Chdir(dir); err != nil {
			return nil, err
		}
		runs := make([]run, to-from)
		parallel.For(len(runs), func(i int) {
			began := time.Now()
			runs[i] = run{Result: Result{Test: tests[from+i]}, options: o, updates: make(map[string]string)}
			runs[i].run(ctx)
			runs[i].Took = time.Since(began)
		})
		updateGolden(runs)
		for _, r := range runs {
			results = append(results, r.Result)
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		from = to
	}
	return results, nil
}

// A run is one run of a test.
type run struct {
	Result
	options Options
	updates map[string]string // what golden files are to hold, by path

	clusters  func(watch.Store) []string // of the configuration; nil: there are none
	templates []runner.Template
	bundles   []runner.Bundle
	results   []template.Result // of templates
}

func (r *run) fail(format string, args ...any) {
	r.Failures = append(r.Failures, fmt.Sprintf(format, args...))
}

func (r *run) run(ctx context.Context) {
	if err := r.load(); err != nil {
		r.fail("%v", err)
		return
	}
	var failed error
	missing := make(map[string]string) // why, by query
	configured := r.templates
	r.templates = nil
	for _, t := range configured {
		elements, err := r.elements(ctx, t, missing)
		failed = errors.Join(failed, err)
		for _, t := range elements {
			result, err := r.execute(ctx, t, missing)
			failed = errors.Join(failed, err)
			r.templates, r.results = append(r.templates, t), append(r.results, result)
		}
	}
	switch {
	case r.Error != "" && failed == nil:
		r.fail("there is no error, want %q", r.Error)
	case r.Error != "" && !strings.Contains(failed.Error(), r.Error):
		r.fail("wrong error: %v\nwant %q", failed, r.Error)
	case r.Error == "" && failed != nil:
		r.fail("%v", failed)
	}
	r.compareWaits(missing)
	if len(r.Failures) > 0 || r.Error != "" {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(r.Output)) {
		r.compare(name, r.Output[name])
	}
	for _, name := range slices.Sorted(maps.Keys(r.Golden)) {
		r.compareGolden(name, r.Golden[name])
	}
	if r.Check && len(missing) == 0 {
		r.check(ctx)
	}
}

// load reads the templates.
func (r *run) load() error {
	if r.Config == "" {
		text, err := filewatch.ReadFile(r.Template)
		r.templates = []runner.Template{{Options: template.Options{Name: r.Template, Text: string(text)}}}
		return err
	}
	environ := r.options.Environ
	for name, value := range r.Env {
		environ = append(slices.Clip(environ), name+"="+value)
	}
	cfg, err := config.Parse([]string{"-config", r.Config, "-dry"}, environ)
	if err != nil {
		return err
	}
	opts, err := cfg.Runner()
	if err != nil {
		return err
	}
	r.bundles, r.clusters = opts.Bundles, cfg.Clusters
	var names []string
	for _, t := range opts.Templates {
		if r.Bundle == "" && (r.Template == "" || t.Name == r.Template || t.Destination == r.Template) || r.Bundle != "" && t.Bundle == r.Bundle {
			r.templates = append(r.templates, t)
		}
		names = append(names, t.Name, t.Destination)
	}
	switch {
	case len(r.templates) > 0:
		return nil
	case r.Bundle != "":
		return fmt.Errorf("%s has no bundle %q with a template", r.Config, r.Bundle)
	}
	return fmt.Errorf("%s has no template %q%s", r.Config, r.Template, yamldoc.Nearest(r.Template, names))
}

// elements returns the templates for the elements of t, or t.
func (r *run) elements(ctx context.Context, t runner.Template, missing map[string]string) ([]runner.Template, error) {
	if t.ForEach == "" {
		return []runner.Template{t}, nil
	}
	list := t
	list.Text = t.Destination
	result, err := r.execute(ctx, list, missing)
	if err != nil {
		return nil, err
	}
	return layout.ElementsOf(t, result.Elements)
}

// execute executes a template. It adds the queries that have no usable answer to
// missing, and why. As for the daemon, an error counts only when nothing is missing.
func (r *run) execute(ctx context.Context, t runner.Template, missing map[string]string) (template.Result, error) {
	host := template.Host{Clusters: r.clusters, LookupEnv: func(name string) (string, bool) {
		value, ok := r.Env[name]
		return value, ok
	}}
	parsed, err := template.Parse(t.Options, host)
	if err != nil {
		return template.Result{}, err
	}
	failures := make(map[watch.ID]*watch.Failure)
	result, err := parsed.Execute(ctx, func(id watch.ID) *watch.Answer {
		data, err := r.answer(id.Value())
		if err != nil {
			failures[id] = &watch.Failure{Err: err}
			return nil
		}
		return &watch.Answer{Data: data, Last: data, Time: time.Now()}
	})
	for _, id := range result.Missing {
		q := id.Value()
		why := event.WhyMissing(q, failures[id] == nil, failures[id])
		if q.Kind == watch.VaultWrite || q.Kind == watch.VaultPKI {
			q.Params = "" // they are shown as a digest, which nobody writes by hand
		}
		missing[q.Describe(false)] = why
	}
	if !result.Complete() {
		return result, nil
	}
	return result, err
}

// answer returns the answer to a query: a file is read, the rest is in the data.
func (r *run) answer(q watch.Query) (any, error) {
	switch {
	case q.Store() == watch.Files:
		content, err := filewatch.ReadFileIn(q.Params, q.Name)
		return string(content), err
	case r.Data == nil:
		return nil, errors.New("the test has no data")
	}
	return r.Data.Answer(q)
}

// compareWaits compares the queries that are waited for with those that are to be.
func (r *run) compareWaits(missing map[string]string) {
	missing = maps.Clone(missing)
	for _, want := range r.Waits {
		_, is := missing[want]
		if _, short := missing["consul "+want]; short && !is {
			want, is = "consul "+want, true
		}
		if !is {
			r.fail("it does not wait for %s", want)
		}
		delete(missing, want)
	}
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		r.fail("it waits for %s: %s", name, missing[name])
	}
}

// output returns what a name stands for: the output of the only template or of the one
// with this name or destination, or a file of writeToFile.
func (r *run) output(name string) (text string, ok bool) {
	var names []string
	for i, t := range r.templates {
		result := r.results[i]
		for _, f := range result.Files {
			if names = append(names, f.Path); f.Path == name {
				return f.Content, true
			}
		}
		switch {
		case name == "" && len(r.templates) == 1, name != "" && (t.Name == name || t.Destination == name):
			if !result.Complete() {
				r.fail("%s has no output while it waits", t.Name)
			}
			return string(result.Content), result.Complete()
		case t.Destination != "":
			names = append(names, t.Destination)
		default:
			names = append(names, t.Name)
		}
	}
	if name == "" {
		r.fail("there are several outputs: write a map from destination to output (%s)", strings.Join(names, ", "))
	} else {
		r.fail("there is no output %q%s", name, yamldoc.Nearest(name, names))
	}
	return "", false
}

func (r *run) compare(name, want string) {
	if got, ok := r.output(name); ok && got != want {
		text := diff.Diff(strings.TrimSpace("want "+name), []byte(want), strings.TrimSpace("got "+name), []byte(got))
		_, rest, _ := strings.Cut(string(text), "\n") // without "diff want got"
		r.fail("%s", strings.TrimSuffix(rest, "\n"))
	}
}

func (r *run) compareGolden(name, path string) {
	want, err := filewatch.ReadFile(path)
	switch {
	case r.options.Update:
		if got, ok := r.output(name); ok {
			r.updates[filepath.Clean(path)] = got
		}
	case errors.Is(err, os.ErrNotExist):
		r.fail("the golden file %s does not exist: restencil test -update writes it", path)
	case err != nil:
		r.fail("%v", err)
	default:
		r.compare(name, string(want))
	}
}

// updateGolden writes the golden files of tests. One that several name has one content.
func updateGolden(runs []run) {
	written := make(map[string]*run)
	for i := range runs {
		r := &runs[i]
		for _, path := range slices.Sorted(maps.Keys(r.updates)) {
			if first := written[path]; first != nil {
				if first.updates[path] != r.updates[path] {
					r.fail("the golden file %s is that of the test %q, whose output is another", path, first.Name)
				}
				continue
			}
			written[path] = r
			old, err := filewatch.ReadFile(path)
			if err == nil && string(old) == r.updates[path] {
				continue
			}
			if err := os.WriteFile(path, []byte(r.updates[path]), 0o644); err != nil {
				r.fail("%v", err)
			}
		}
	}
}

// check stages the outputs, elsewhere than beside their destinations, and runs the
// checks, which see them at their destinations.
func (r *run) check(ctx context.Context) {
	dir, err := os.MkdirTemp("", "restencil-test-")
	if err != nil {
		r.fail("%v", err)
		return
	}
	defer os.RemoveAll(dir)
	executor := process.NewExecutor(io.Discard, io.Discard, false)
	defer executor.Close()
	changes := make(map[string]*transaction.Change)
	checks, ran, formatted := 0, 0, false
	for i, t := range r.templates {
		path, err := filepath.Abs(t.Destination)
		if err != nil || t.Destination == "" {
			r.fail("%s cannot be checked: it has no destination", t.Name)
			return
		}
		bundle := t.Bundle
		if bundle == "" {
			bundle = t.Destination
		}
		c := changes[bundle]
		if c == nil {
			c = &transaction.Change{Bundle: bundle}
			if i := slices.IndexFunc(r.bundles, func(b runner.Bundle) bool { return b.Name == bundle }); i >= 0 {
				c.Check = r.bundles[i].Check
			}
			changes[bundle] = c
			if !c.Check.None() {
				checks++
			}
		}
		if !t.Check.None() {
			checks++
		}
		formatted = formatted || t.Format != ""
		c.Files = append(c.Files, transaction.File{
			Template: t.Name, Destination: t.Destination, Format: t.Format, Check: t.Check, Secret: r.results[i].Secret,
			Own: &renderer.File{Path: filepath.Join(dir, path), Content: r.results[i].Content, Perm: t.Perm},
		})
	}
	tx := transaction.New(transaction.Tools{
		Run: func(ctx context.Context, c process.Command) (string, error) {
			ran++
			return executor.Run(ctx, c)
		},
		InPlace: executor.CanOverlay,
		Mask:    func() func(string) string { return func(text string) string { return text } },
		Writer:  func(string) string { return "" },
	}, slices.Collect(maps.Values(changes))...)
	defer tx.Discard()
	tx.Stage(ctx)
	tx.Check(ctx)
	failed := false
	for _, c := range tx.Changes {
		if c.Err != nil {
			failed = true
			text := fmt.Sprintf("%s failed: %v\n%s", c.Step, c.Err, c.Output)
			r.fail("%s", strings.TrimSpace(strings.ReplaceAll(text, dir, "")))
		}
	}
	switch {
	case failed:
	case checks == 0 && !formatted:
		r.fail("%s has no check and no format for this", r.Config)
	case ran < checks:
		r.fail("a check cannot be run here, since it cannot see the new files in their places: %v", executor.CanOverlay())
	}
}
