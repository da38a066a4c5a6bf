package funcs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestExecuteTemplate(t *testing.T) {
	const parts = `{{ define "t" }}<{{ . }}>{{ end }}{{ define "u" }}{{ executeTemplate "t" (add 1 .) }}{{ end }}`
	runPureTests(t, []pureTest{
		{text: parts + `{{ executeTemplate "t" }} {{ executeTemplate "t" "é" | toUpper }} {{ "x" | executeTemplate "t" | len }}`, want: "<<no value>> <É> 3"},
		{text: parts + `{{ executeTemplate "u" 1 }} {{ printf "%T" (executeTemplate "u" 1) }}`, want: "<2> string"},
		{text: parts + `{{ executeTemplate "t" 1 2 }}`, fail: "executeTemplate: wrong number of arguments, expected 1 or 2, but got 3"},
		{text: parts + `{{ executeTemplate "v" }}`, fail: `template: no template "v" associated with template ""`},
		{text: parts + `{{ executeTemplate "u" "x" }}`, fail: `executing "u" at <add 1 .>: error calling add: add: unknown type for "x" (string)`},
		{text: parts + `{{ executeTemplate }}`, fail: "wrong number of args for executeTemplate: want at least 1 got 0"},
	})
}

// What a template could do without end must not take the process down.
func TestRunawayRecursion(t *testing.T) {
	const endless = "templates call each other without end"
	blocks := strings.Repeat("{{ if true }}", 60) + `{{ template "a" . }}` + strings.Repeat("{{ end }}", 60)
	for _, tt := range []struct{ name, text, fail string }{
		{"execute itself", `{{ executeTemplate "" }}`, endless},
		{"execute each other", `{{ define "a" }}{{ executeTemplate "b" }}{{ end }}{{ define "b" }}x{{ executeTemplate "a" }}{{ end }}{{ template "a" }}`, endless},
		{"plain", `{{ define "a" }}{{ template "a" }}{{ end }}{{ template "a" }}`, "exceeded maximum template depth (100000)"},
		{"deep blocks", `{{ define "a" }}` + blocks + `{{ end }}{{ template "a" }}`, endless},
		{"blocks, not called first", `{{ define "a" }}` + blocks + `{{ end }}{{ define "b" }}{{ template "a" }}{{ end }}{{ template "b" }}`, endless},
		{"ranges", `{{ define "a" }}` + strings.ReplaceAll(blocks, "if true", "range 1") + `{{ end }}{{ template "a" }}`, endless},
		{"else", `{{ define "a" }}{{ with "" }}{{ else }}` + blocks + `{{ end }}{{ end }}{{ template "a" }}`, endless},
		{"three in a ring", `{{ define "a" }}{{ template "b" }}{{ end }}{{ define "b" }}{{ template "c" }}{{ end }}{{ define "c" }}` + blocks + `{{ end }}{{ template "a" }}`, endless},
		{"the root", strings.Repeat("{{ if true }}", 60) + `{{ template "" }}` + strings.Repeat("{{ end }}", 60), endless},
		{"in a chain", `{{ define "a" }}{{ (executeTemplate "a").X }}{{ end }}{{ template "a" }}`, endless},
		{"both ways", `{{ define "a" }}{{ template "b" }}{{ end }}{{ define "b" }}{{ executeTemplate "c" }}{{ end }}{{ define "c" }}{{ executeTemplate "a" }}{{ end }}{{ template "a" }}`, endless},
		{"a ladder between", `{{ define "a" }}{{ executeTemplate "b1" }}{{ end }}` + ladder(200) + `{{ template "a" }}`, endless},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := parsePage(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if tt.name != "deep blocks" && tt.name != "a ladder between" && tt.fail == endless { // the way there is long
				p.env.kept.depth.stack = maxNesting.stack - 10_000
			}
			_, err = p.render()
			if err == nil || !strings.Contains(err.Error(), tt.fail) {
				t.Fatalf("error %.300v; want %s", err, tt.fail)
			}
			if n := len(err.Error()); n > 1000 {
				t.Errorf("the error has %d bytes", n)
			}
			if p.env.kept.depth != (depth{}) {
				t.Errorf("after the execution its depth is %v", p.env.kept.depth)
			}
		})
	}
}

// ladder defines templates of which each calls the next, and the last the
// template a.
func ladder(n int) string {
	var b strings.Builder
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, `{{ define "b%d" }}{{ if true }}{{ with 1 }}{{ template "b%d" }}{{ end }}{{ end }}{{ end }}`, i, i+1)
	}
	fmt.Fprintf(&b, `{{ define "b%d" }}{{ template "a" }}{{ end }}`, n)
	return b.String()
}

// An error that leaves 10,000 ranges takes minutes.
func TestNestedRangesAreLimited(t *testing.T) {
	e := new(Env)
	if err := e.enter(depth{ranges: maxNesting.ranges}); err != nil {
		t.Fatal(err)
	}
	if err := e.enter(depth{ranges: 1}); err == nil {
		t.Error("there is no limit")
	}
	e.leave(depth{ranges: 1})
	if err := e.enter(depth{ranges: 1}); err != nil {
		t.Error(err)
	}
}

// Recursion that ends is as deep as it needs to be, and counting it is not
// seen in the output.
func TestDeepRecursion(t *testing.T) {
	runPureTests(t, []pureTest{
		{text: `{{ define "down" }}{{ if gt . 0 }}{{ template "down" (subtract 1 .) }}{{ else }}end{{ end }}{{ end }}{{ template "down" 20000 }} {{ template "down" 20000 }}`, want: "end end"},
		{text: `{{ define "down" }}{{ if gt . 0 }}{{ executeTemplate "down" (subtract 1 .) }}{{ else }}end{{ end }}{{ end }}{{ template "down" 3000 }} {{ executeTemplate "down" 3000 }}`, want: "end end"},
		{text: `{{ define "one" }}1{{ end }}{{ range loop 30000 }}{{ $x := executeTemplate "one" }}{{ end }}end`, want: "end"},
		{text: `{{ define "r" }}{{ if . }}{{ template "r" false }}{{ end }}{{ end }}{{ range loop 60000 }}{{ template "r" true }}{{ end }}end`, want: "end"},
		{text: `{{ define "tree" }}({{ range . }}{{ template "tree" . }}{{ end }}){{ end }}{{ template "tree" (parseJSON "[[],[[],[]]]") }}`, want: "(()(()()))"},
		{text: `{{ define "a" -}} x {{- end }}{{ define "b" }}{{ range $i := loop 3 }}{{ if $i }}{{ continue }}{{ end }}{{ template "b2" $i }}{{ end }}{{ end }}{{ define "b2" }}{{ if . }}{{ template "b" }}{{ end }}{{ template "a" }}{{ end }}{{ template "b" }}`, want: "x"},
	})
}

// The names under which nesting is counted cannot be called by templates.
func TestCountingIsOutOfReach(t *testing.T) {
	for _, text := range []string{`{{ (template 1) }}`, `{{ 1 | end }}`, `{{ with template }}{{ end }}`} {
		if _, err := parsePage(text + `{{ define "a" }}{{ template "a" }}{{ end }}`); err == nil {
			t.Errorf("%s was parsed", text)
		}
	}
}

func TestExecuteTemplateEndsWithTheContext(t *testing.T) {
	p, err := parsePage(`{{ define "t" }}{{ range 9223372036854775807 }}x{{ end }}{{ end }}{{ executeTemplate "t" }}`)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	p.env.Context = ctx
	if _, err := p.render(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func TestExecuteTemplateIsBounded(t *testing.T) {
	text := partText{ctx: t.Context()}
	if n, err := text.Write([]byte("some")); n != 4 || err != nil {
		t.Fatal(n, err)
	}
	_, err := text.Write(make([]byte, maxResult))
	if want := "executeTemplate: the result would be larger than 64 MiB"; err == nil || err.Error() != want {
		t.Errorf("error %v; want %s", err, want)
	}
}

// A writer that fails ends what goes on without writing.
func TestSilentRangesEndWithTheWriter(t *testing.T) {
	const long = "{{ range 9223372036854775807 }}"
	for _, text := range []string{
		long + `{{ end }}`,
		`{{ $x := 0 }}` + long + `{{ $x = add $x 1 }}{{ end }}`,
		long + `{{ continue }} {{ end }}`,
		long + `{{ if eq . 1 }}{{ . }}{{ else }}{{ with . }}{{ $x := . }}{{ end }}{{ end }}{{ end }}`,
		`{{ if true }}{{ range 0 }}{{ else }}{{ with 1 }}` + long + `{{ if false }}x{{ end }}{{ end }}{{ end }}{{ end }}{{ end }}`,
		`{{ define "t" }}` + long + `{{/* nothing */}}{{ end }}{{ end }}{{ template "t" }}`,
		`{{ define "t" }}` + long + `{{ end }}{{ end }}{{ executeTemplate "t" }}`,
	} {
		p, err := parsePage(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		p.env.Context = ctx
		if err := p.text.Execute(&partText{ctx: ctx}, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: error %v", text, err)
		}
		cancel()
	}
	runPureTests(t, []pureTest{
		{text: `{{ $x := 0 }}{{ range 3 }}{{ $x = add $x 1 }}{{ end }}{{ $x }} {{ range $i, $e := split "," "a,b" }}{{ if $i }}{{ $e }}{{ end }}{{ else }}{{ end }}`, want: "3 b"},
	})
}
