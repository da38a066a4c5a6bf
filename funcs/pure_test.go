package funcs

import (
	"context"
	"strings"
	"testing"
	"text/template"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A fakeWorld takes what functions would change outside of the output.
type fakeWorld struct {
	printed strings.Builder
	files   []File
	ran     map[string]int // how often Once was asked, by key
}

func (w *fakeWorld) Print(text string) { w.printed.WriteString(text) }
func (w *fakeWorld) WriteFile(f File)  { w.files = append(w.files, f) }

func (w *fakeWorld) Once(key string, run func() (string, error)) (string, error) {
	if w.ran == nil {
		w.ran = make(map[string]int)
	}
	w.ran[key]++
	return run()
}

// A page is a template with all its functions, and what they stand on.
type page struct {
	env   *Env
	world *fakeWorld
	text  *template.Template
}

func parsePage(text string, denylist ...string) (*page, error) {
	w := new(fakeWorld)
	e := &Env{
		Ask:       &fakeStore{},
		LookupEnv: lookupIn(map[string]string{"HOME": "ada", "EMPTY": ""}),
		Now:       func() time.Time { return time.Date(2024, 2, 29, 23, 5, 7, 9, time.FixedZone("", 3600)) },
		Effects:   w,
		Denylist:  denylist,
	}
	t, err := template.New("").Option("missingkey=zero").Funcs(MapFor(e, text)).Parse(text)
	if err != nil {
		return nil, err
	}
	e.Template = t
	return &page{env: e, world: w, text: t}, nil
}

func lookupIn(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
}

func (p *page) render() (string, error) { return p.renderUntil(context.Background()) }

func (p *page) renderUntil(ctx context.Context) (string, error) {
	p.env.Begin(ctx)
	defer p.env.Finish()
	out := NewOutput(ctx, 1<<30, 0)
	err := p.text.Execute(out, nil)
	return string(out.Bytes()), err
}

func render(text string, denylist ...string) (string, error) {
	p, err := parsePage(text, denylist...)
	if err != nil {
		return "", err
	}
	return p.render()
}

// A pureTest renders a template that asks no store. Where fail is set the
// error must contain it.
type pureTest struct{ text, want, fail string }

func runPureTests(t *testing.T, tests []pureTest) {
	t.Helper()
	for _, tt := range tests {
		got, err := render(tt.text)
		switch {
		case tt.fail == "" && err != nil:
			t.Errorf("%s\nfailed: %v", tt.text, err)
		case tt.fail != "" && (err == nil || !strings.Contains(err.Error(), tt.fail)):
			t.Errorf("%s\nrendered %q, error %v\nwant the error %s", tt.text, got, err, tt.fail)
		case tt.fail == "" && got != tt.want:
			t.Errorf("%s\nrendered %q\nwant     %q", tt.text, got, tt.want)
		}
	}
}
