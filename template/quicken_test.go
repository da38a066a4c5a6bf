package template

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	tmpltext "text/template"

	"github.com/hashicorp/consul/api"

	"restencil/watch"
)

type named struct{ Deep string }

type labelled struct {
	named
	Label label
	Bytes []byte
	Inner struct{ Name string }
	Next  *labelled
	Meta  map[string]string
	Mixed map[string]any
	Any   any
	Small int8
	Real  float64
	hid   string
}

func (l labelled) Method() string   { return "called " + l.hid }
func (l *labelled) Pointer() string { return "called by pointer" }

type label string

func (l label) String() string { return "<" + string(l) + ">" }

// quickenData are the functions that the templates of the tests range over.
func quickenData() tmpltext.FuncMap {
	web := func(i int) *watch.HealthService {
		return &watch.HealthService{
			Address: fmt.Sprintf("10.0.0.%d", i), Port: 8000 + i, ID: "wéb" + strings.Repeat("x", i*37%90),
			ServiceMeta: map[string]string{"weight": fmt.Sprint(i)}, Tags: watch.ServiceTags{"a", "b"},
			Weights: api.AgentWeights{Passing: i - 2},
		}
	}
	var instances, gap []*watch.HealthService
	var boxed []any
	for i := range 2000 {
		instances = append(instances, web(i))
		boxed = append(boxed, web(i))
	}
	gap = append(gap, web(1), nil, web(2))
	value := labelled{named: named{"deep"}, Label: "l", Inner: struct{ Name string }{"inner"}, hid: "h", Small: -3, Real: 0.5}
	two := "two"
	double := &[]*watch.HealthService{web(1)}
	return tmpltext.FuncMap{
		"instances": func() []*watch.HealthService { return instances },
		"two":       func() []*watch.HealthService { return instances[:2] },
		"none":      func() []*watch.HealthService { return nil },
		"gap":       func() []*watch.HealthService { return gap },
		"boxed":     func() []any { return boxed },
		"mixed":     func() []any { return []any{web(1), value, "text", 3, nil} },
		"labelled":  func() []labelled { return []labelled{value, value} },
		"pointers":  func() []*labelled { return []*labelled{&value} },
		"strings":   func() []string { return []string{"one", "two", ""} },
		"stringers": func() []label { return []label{"one"} },
		"links":     func() []*string { return []*string{&two, nil} },
		"numbers":   func() []int64 { return []int64{-1, 0, 1 << 62} },
		"bools":     func() []bool { return []bool{true, false} },
		"bytes":     func() []byte { return []byte("ab") },
		"floats":    func() []float64 { return []float64{1e21} },
		"double":    func() any { return &double },
		"map":       func() map[string]*watch.HealthService { return map[string]*watch.HealthService{"k": web(3)} },
		"fails":     func() ([]string, error) { return nil, errors.New("it failed") },
		"untyped":   func() any { return nil },
	}
}

// quickenTexts are loops that are quickened, some that must not be, and what
// may stand around them; LIST is what they range over.
var quickenTexts = []string{
	`{{ range LIST }}{{ .Address }}:{{ .Port }} {{ .ID }};{{ "\n" }}{{ end }}`,
	`{{ range LIST }}server {{ .Address }}:{{ .Port }};` + "\n" + `{{ end }}`,
	`{{ range $s := LIST }}{{ $s.Address }} {{ .Port }} {{ end }}`,
	`{{ range $i, $s := LIST }}{{ $i }}={{ $s.ID }} {{ .Port }},{{ end }}`,
	`{{ range $i, $_ := LIST }}{{ $i }}{{ end }}`,
	`{{ range LIST }}{{ .Weights.Passing }} {{ .ServiceMeta.weight }} {{ .ServiceMeta.none }}|{{ end }}`,
	`{{ range LIST }}{{ .Tags }}{{ end }}`,
	`{{ range LIST }}{{ . }},{{ end }}`,
	`{{ range $x := LIST }}{{ $x }},{{ end }}`,
	`{{ range LIST }}x{{ else }}empty{{ end }}`,
	`{{ range LIST }}{{ .Label }} {{ end }}`,
	`{{ range LIST }}{{ .Method }}{{ end }}`,
	`{{ range LIST }}{{ .Pointer }}{{ end }}`,
	`{{ range LIST }}{{ .Inner.Name }}{{ .Small }}{{ end }}`,
	`{{ range LIST }}{{ .Small }}{{ end }}`,
	`{{ range LIST }}{{ .Deep }}{{ end }}`,
	`{{ range LIST }}{{ .Real }}{{ end }}`,
	`{{ range LIST }}{{ .Next.Label }}{{ end }}`,
	`{{ range LIST }}{{ .Meta.k }}|{{ .Mixed.k }}{{ end }}`,
	`{{ range LIST }}{{ .Any }}{{ end }}`,
	`{{ range LIST }}{{ .hid }}{{ end }}`,
	`{{ range LIST }}{{ .Nowhere }}{{ end }}`,
	`{{ range LIST }}{{ .Port.Deep }}{{ end }}`,
	`{{ range LIST }}{{ end }}.`,
	`{{ range LIST }}{{ $ }}{{ end }}`,
	`{{ range LIST }}{{ break }}{{ end }}`,
	`{{ range LIST }}a{{ .Port | printf "%06d" }}{{ end }}`,
	`{{ range LIST }}{{ $p := .Port }}{{ end }}`,
	`{{ range $i, $s := LIST }}{{ $i.Port }}{{ end }}`,
	`{{ $i := 5 }}{{ $s := 6 }}{{ range $i, $s = LIST }}.{{ end }}{{ $i }}`,
	`{{ range $i, $s := LIST }}{{ range LIST }}{{ $i }}{{ break }}{{ end }}{{ end }}`,
	`{{ define "part" }}{{ range LIST }}{{ .Port }},{{ end }}{{ end }}{{ template "part" }}{{ template "part" . }}`,
	`{{ range $n := two }}{{ range LIST }}{{ .Port }}{{ end }}{{ $n.Port }}{{ end }}{{ with LIST }}{{ range . }}{{ .Port }}{{ end }}{{ end }}`,
	`{{ if LIST }}{{ range LIST }}{{ .ID }}{{ end }}{{ else }}{{ range two }}{{ .ID }}{{ end }}{{ end }}{{ range two }}{{ .ID }}{{ end }}`,
}

// A quickened template gives the same output as text/template does with the
// template as it was, or fails too, at the same place.
func TestQuickenChangesNothing(t *testing.T) {
	data := quickenData()
	for _, list := range slices.Sorted(maps.Keys(data)) {
		for _, text := range quickenTexts {
			for _, strict := range []bool{false, true} {
				text := strings.ReplaceAll(text, "LIST", list)
				want, wantErr := executeWith(t, data, text, strict, func(*tmpltext.Template) {})
				got, err := executeWith(t, data, text, strict, func(t *tmpltext.Template) {
					quicken(t, Options{ErrorOnMissingKey: strict})
				})
				if fmt.Sprint(err) != fmt.Sprint(wantErr) {
					t.Errorf("%s (strict: %v)\nfails with %v\nbut as it was, %v", text, strict, err, wantErr)
				}
				if err == nil && got != want {
					t.Errorf("%s (strict: %v)\ngives %.200q\nbut as it was, %.200q", text, strict, got, want)
				}
			}
		}
	}
}

// executeWith executes text after change, twice, since loops learn the first time.
func executeWith(t *testing.T, data tmpltext.FuncMap, text string, strict bool, change func(*tmpltext.Template)) (string, error) {
	t.Helper()
	tmpl, err := tmpltext.New("").Funcs(data).Option(missingKey(strict)).Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	change(tmpl)
	var first, second bytes.Buffer
	err = tmpl.Execute(&first, nil)
	if again := tmpl.Execute(&second, nil); fmt.Sprint(again) != fmt.Sprint(err) || !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Errorf("%s\ngives %.200q, %v\nand then %.200q, %v", text, first.String(), err, second.String(), again)
	}
	return second.String(), err
}

// A quickened loop makes no allocation for each element.
func TestQuickenAllocates(t *testing.T) {
	tmpl := tmpltext.Must(tmpltext.New("").Funcs(quickenData()).Parse(
		`{{ range instances }}server {{ .Address }}:{{ .Port }} weight={{ .ServiceMeta.weight }};{{ end }}`))
	quicken(tmpl, Options{})
	var b bytes.Buffer
	allocs := testing.AllocsPerRun(10, func() {
		b.Reset()
		if err := tmpl.Execute(&b, nil); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 100 {
		t.Errorf("%.0f allocations for 2,000 elements", allocs)
	}
}

func TestQuickenKeepsTheLimit(t *testing.T) {
	tmpl := tmpltext.Must(tmpltext.New("").Funcs(quickenData()).Parse(`{{ range instances }}{{ .ID }}{{ end }}`))
	quicken(tmpl, Options{MaxOutput: 40_000})
	var b bytes.Buffer
	err := tmpl.Execute(&b, nil)
	if err == nil || !strings.Contains(err.Error(), "the output is larger than 40000 bytes") {
		t.Errorf("Execute: %v", err)
	}
}
