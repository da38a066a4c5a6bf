package pure

import (
	"strings"
	"testing"
	"text/template"
)

func render(text string) (string, error) {
	t, err := template.New("").Option("missingkey=zero").Funcs(Funcs()).Parse(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, nil)
	return b.String(), err
}

// A pureTest renders a template. Where fail is set the error must contain it.
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
