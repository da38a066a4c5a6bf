package funcs

import (
	"context"
	"errors"
	"runtime"
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

// Parts that execute each other without end come to an error, of a readable
// size, and not to the end of the process.
func TestEndlessExecution(t *testing.T) {
	for _, text := range []string{
		`{{ executeTemplate "" }}`,
		`{{ define "a" }}{{ executeTemplate "b" }}{{ end }}{{ define "b" }}x{{ executeTemplate "a" }}{{ end }}{{ template "a" }}`,
		`{{ define "a" }}{{ template "b" }}{{ end }}{{ define "b" }}{{ range loop 1 }}{{ executeTemplate "a" }}{{ end }}{{ end }}{{ template "a" }}`,
	} {
		p, err := parseTest(text)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			_, err = p.render()
			if err == nil || !strings.Contains(err.Error(), "templates call each other without end") || len(err.Error()) > 500 {
				t.Errorf("%s: error %.1000v", text, err)
			}
		}
	}
}

// Recursion that ends is as deep as it needs to be.
func TestDeepExecution(t *testing.T) {
	runPureTests(t, []pureTest{
		{text: `{{ define "down" }}{{ if gt . 0 }}{{ executeTemplate "down" (subtract 1 .) }}{{ else }}end{{ end }}{{ end }}{{ template "down" 3000 }} {{ executeTemplate "down" 3000 }}`, want: "end end"},
		{text: `{{ define "one" }}1{{ end }}{{ range loop 30000 }}{{ $x := executeTemplate "one" }}{{ end }}end`, want: "end"},
	})
}

func TestExecuteTemplateEndsWithTheContext(t *testing.T) {
	p, err := parseTest(`{{ define "t" }}{{ range 9223372036854775807 }}x{{ end }}{{ end }}{{ executeTemplate "t" }}`)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := p.renderUntil(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func TestOutputIsBounded(t *testing.T) {
	out := NewOutput(t.Context().Err, 10, 0)
	if n, err := out.Write([]byte("some")); n != 4 || err != nil {
		t.Fatal(n, err)
	}
	for _, text := range []string{"and more", ""} { // what failed once goes on failing
		if n, err := out.Write([]byte(text)); n != 0 || err == nil || err.Error() != "the output is larger than 10 bytes" {
			t.Errorf("wrote %d bytes of %q, error %v", n, text, err)
		}
	}
	if string(out.Bytes()) != "some" {
		t.Errorf("it holds %q", out.Bytes())
	}
}

func TestLoop(t *testing.T) {
	runPureTests(t, []pureTest{
		{text: `{{ range loop 3 }}{{ . }} {{ end }}{{ range loop -2 1 }}{{ . }} {{ end }}`, want: "0 1 2 -2 -1 0 "},
		{text: `{{ range $i, $n := loop 5 8 }}{{ $i }}={{ $n }} {{ end }}`, want: "0=5 1=6 2=7 "},
		{text: `{{ range loop 0 }}x{{ else }}none{{ end }} {{ range loop 3 1 }}x{{ else }}none{{ end }}`, want: "none none"},
		{text: `{{ range loop "2" }}{{ . }}{{ end }} {{ range loop (parseUint "1") (parseInt "3") }}{{ . }}{{ end }} {{ range loop "" }}x{{ end }}`, want: "01 12 "},
		{text: `{{ printf "%T" (loop 1) }} {{ len (loop 3) }} {{ if loop 0 }}yes{{ end }}`, want: "<-chan int64 0 yes"},
		{text: `{{ $l := loop 2 }}{{ range $l }}{{ . }}{{ end }}{{ range $l }}x{{ else }} once{{ end }}`, want: "01 once"},
		{text: `{{ range loop 9223372036854775806 9223372036854775807 }}{{ . }}{{ end }}`, want: "9223372036854775806"},
		{text: `{{ range loop }}{{ end }}`, fail: "loop: wrong number of arguments, expected 1 or 2, but got 0"},
		{text: `{{ range loop 1 2 3 }}{{ end }}`, fail: "expected 1 or 2, but got 3"},
		{text: `{{ range loop 1.5 }}{{ end }}`, fail: "loop: bad argument type: float64"},
		{text: `{{ range loop 1 nil }}{{ end }}`, fail: "loop: bad argument type: <nil>"},
		{text: `{{ range loop "x" }}{{ end }}`, fail: `"x" is not a whole number`},
		{text: `{{ loop 3 }}`, fail: "of type <-chan int64"},
	})
}

// A loop that is left half-way, or never begun, ends with the execution.
func TestLoopsEndWithTheExecution(t *testing.T) {
	before := runtime.NumGoroutine()
	p, err := parseTest(`{{ range loop 9223372036854775807 }}{{ if eq . 3 }}{{ break }}{{ end }}{{ . }}{{ end }}{{ $l := loop 5 }}` +
		`{{ range loop 5000 }}{{ range loop 2 }}{{ end }}{{ end }}{{ range loop 5 }}{{ sprig_fail "enough" }}{{ end }}`)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := p.render(); err == nil {
			t.Fatal("sprig_fail did not fail")
		}
	}
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("there were %d goroutines, now %d", before, runtime.NumGoroutine())
		}
	}
}

func BenchmarkLoop(b *testing.B) {
	p, err := parseTest(`{{ range loop 1000 }}{{ end }}`)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := p.render(); err != nil {
			b.Fatal(err)
		}
	}
}

// A loop of which nothing is written ends with the context.
func TestLoopEndsWithTheContext(t *testing.T) {
	p, err := parseTest(`{{ range loop 9223372036854775807 }}{{ range loop 9 }}{{ end }}{{ end }}`)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := p.renderUntil(ctx); err != nil {
		t.Errorf("error %v", err)
	}
}
