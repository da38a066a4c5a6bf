package funcs

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"
)

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
		{text: `{{ range loop "x" }}{{ end }}`, fail: `parseInt: strconv.ParseInt: parsing "x": invalid syntax`},
		{text: `{{ loop 3 }}`, fail: "of type <-chan int64"},
	})
}

// A loop that is left half-way, or never begun, ends with the execution.
func TestLoopsEndWithTheExecution(t *testing.T) {
	before := runtime.NumGoroutine()
	p, err := parsePage(`{{ range loop 9223372036854775807 }}{{ if eq . 3 }}{{ break }}{{ end }}{{ . }}{{ end }}{{ $l := loop 5 }}` +
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
	if n := cap(p.env.kept.loops); n > 100 {
		t.Errorf("%d loops were kept, of which few were under way at a time", n)
	}
}

func BenchmarkLoop(b *testing.B) {
	p, err := parsePage(`{{ range loop 1000 }}{{ end }}`)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := p.render(); err != nil {
			b.Fatal(err)
		}
	}
}

func TestLoopEndsWithTheWriter(t *testing.T) {
	p, err := parsePage(`{{ range loop 9223372036854775807 }}{{ range loop 9 }}{{ end }}{{ end }}`)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	defer p.env.Finish()
	if err := p.text.Execute(&partText{ctx: ctx}, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}
