package quick

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"
)

// A page is a template with a program.
type page struct {
	text    *template.Template
	program *Program
}

func parsePage(tb testing.TB, text string, strict bool) page {
	tb.Helper()
	p, err := parsed(text, strict)
	if err != nil {
		tb.Fatalf("%s\n%v", text, err)
	}
	return p
}

func parsed(text string, strict bool) (page, error) {
	option := "missingkey=zero"
	if strict {
		option = "missingkey=error"
	}
	t, err := template.New("").Funcs(functions()).Option(option).Parse(text)
	if err != nil {
		return page{}, err
	}
	return page{text: t, program: Compile(t, functions(), strict)}, nil
}

// agree compares the program with text/template, twice, since it learns. It
// tells whether it had an output. A program may give up only where
// text/template has an error.
func (p page) agree(tb testing.TB, text string) (rendered bool) {
	tb.Helper()
	if p.program == nil {
		tb.Errorf("%s\nis not compiled", text)
		return false
	}
	for range 2 {
		var want, got bytes.Buffer
		wantErr := execute(p.text, &want)
		err := p.program.Run(&got)
		switch {
		case errors.Is(err, ErrGaveUp) && wantErr == nil:
			tb.Errorf("%s\ngave up on %.300q", text, want.String())
		case err == nil && wantErr != nil:
			tb.Errorf("%s\nrendered %.300q\nbut text/template fails: %v", text, got.String(), wantErr)
		case err == nil && masked(got) != masked(want):
			tb.Errorf("%s\nrendered           %.300q\nbut text/template: %.300q", text, got.String(), want.String())
		case err != nil && !errors.Is(err, ErrGaveUp):
			tb.Errorf("%s\nfailed: %v", text, err)
		}
		rendered = err == nil
	}
	return rendered
}

var address = regexp.MustCompile(`0x[0-9a-f]{6,}`)

// masked is an output without the addresses of what functions make anew.
func masked(b bytes.Buffer) string { return address.ReplaceAllString(b.String(), "0x") }

// execute takes a panic of the engine for an error.
func execute(t *template.Template, w *bytes.Buffer) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	return t.Execute(w, nil)
}

// TestRangesAgree ranges over all that the functions without arguments return.
func TestRangesAgree(t *testing.T) {
	for _, list := range slices.Sorted(maps.Keys(sources())) {
		if list == "many" { // few does
			continue
		}
		for _, text := range rangeTexts {
			for _, strict := range []bool{false, true} {
				text := strings.ReplaceAll(text, "LIST", list)
				parsePage(t, text, strict).agree(t, text)
			}
		}
	}
}

func TestProgramsAgree(t *testing.T) {
	for _, text := range texts {
		for _, strict := range []bool{false, true} {
			if p := parsePage(t, text, strict); !p.agree(t, text) {
				t.Errorf("%s (strict: %v)\nhas no output", text, strict)
			}
		}
	}
}

// What is an error to text/template is none to a program, and not an output.
func TestProgramsGiveUp(t *testing.T) {
	for _, text := range failing {
		if parsePage(t, text, false).agree(t, text) {
			t.Errorf("%s\nhas an output", text)
		}
	}
	for _, text := range failingStrict {
		if parsePage(t, text, true).agree(t, text) || !parsePage(t, text, false).agree(t, text) {
			t.Errorf("%s\nhas an output where missing keys are errors, or none where they are not", text)
		}
	}
}

// Between runs a program holds on to no value.
func TestProgramsLetGo(t *testing.T) {
	for _, text := range []string{`{{ $x := many }}`, `{{ with many }}{{ $y := . }}{{ fails }}{{ end }}`} {
		p := parsePage(t, text, false).program
		p.Run(&limitedWriter{left: 1})
		for i, v := range p.vars {
			if v.IsValid() {
				t.Errorf("%s\nkeeps variable %d", text, i)
			}
		}
		if p.state.w != nil || p.state.dot.IsValid() || p.state.vars != nil {
			t.Errorf("%s\nkeeps its state", text)
		}
	}
}

func TestUnknown(t *testing.T) {
	for _, text := range []string{`{{ call callable 1 }}`, `{{ or true ($x := 1) }}`} {
		if p := parsePage(t, text, false); p.program != nil {
			t.Errorf("%s\nis compiled", text)
		}
	}
}

// A limitedWriter takes so many writes.
type limitedWriter struct{ left int }

var errFull = errors.New("it is full")

func (w *limitedWriter) Write(p []byte) (int, error) {
	if w.left--; w.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func (w *limitedWriter) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

// A writer that fails ends the run, wherever it is; and with the next one it is
// as if that had not been.
func TestWriterFails(t *testing.T) {
	const text = `a{{ range numbers }}{{ . }}{{ template "b" 0.5 }}{{ end }}{{ define "b" }}{{ $x := 1 }}{{ print $x }}{{ . }}{{ end }}`
	p := parsePage(t, text, false)
	for n := range 10 {
		if err := p.program.Run(&limitedWriter{left: n}); !errors.Is(err, errFull) {
			t.Errorf("after %d writes: %v", n, err)
		}
	}
	if err := p.program.Run(&limitedWriter{left: 10}); err != nil {
		t.Error(err)
	}
	p.agree(t, text)
}

// Loops over lists make no allocation for each element.
func TestAllocations(t *testing.T) {
	tests := []struct{ text string }{
		{`{{ range many }}server {{ .Name }}:{{ .Port }};{{ end }}`},
		{`{{ range many }}{{ if eq .Name "none" }}x{{ else if gt .Port 70000 }}y{{ end }}{{ end }}`},
		{`{{ range many }}{{ $p := .Port }}{{ with .Name }}{{ . }}{{ $p }}{{ end }}{{ end }}`},
		{`{{ range many }}{{ if cut 0 .Name }}{{ cut 0 .Name | len2 }}{{ len .Meta }}{{ end }}{{ end }}`},
		{`{{ range many }}{{ sprig_upper "constant" }}{{ sprig_list 1 2 | sprig_join "," }}{{ end }}`},
	}
	for _, tt := range tests {
		p := parsePage(t, tt.text, false)
		p.agree(t, tt.text)
		w := &limitedWriter{left: 1 << 30}
		n := testing.AllocsPerRun(5, func() {
			if err := p.program.Run(w); err != nil {
				t.Fatal(err)
			}
		})
		if n > 50 {
			t.Errorf("%s\nmakes %.0f allocations for 2000 elements", tt.text, n)
		}
	}
}
