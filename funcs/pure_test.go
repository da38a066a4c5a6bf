package funcs

import (
	"context"
	"strings"
	"testing"
	"text/template"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A testTemplate is a template with all its functions, and what they stand on.
type testTemplate struct {
	env       *Env
	execution *fakeExecution
	text      *template.Template
}

func parseTest(text string, denylist ...string) (*testTemplate, error) {
	e := &Env{
		LookupEnv: lookupIn(map[string]string{"HOME": "ada", "EMPTY": ""}),
		Denylist:  denylist,
	}
	t, err := template.New("").Option("missingkey=zero").Funcs(MapFor(e, text)).Parse(text)
	if err != nil {
		return nil, err
	}
	e.Template = t
	return &testTemplate{env: e, execution: new(fakeExecution), text: t}, nil
}

func lookupIn(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
}

func (p *testTemplate) render() (string, error) { return p.renderUntil(context.Background()) }

func (p *testTemplate) renderUntil(ctx context.Context) (string, error) {
	p.env.Begin(ctx, p.execution)
	defer p.env.Finish()
	out := NewOutput(p.env.Err, 1<<30, 0)
	err := p.text.Execute(out, nil)
	return string(out.Bytes()), err
}

func render(text string, denylist ...string) (string, error) {
	p, err := parseTest(text, denylist...)
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
