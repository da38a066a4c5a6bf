package template_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"golang.org/x/tools/txtar"

	"restencil/funcs"
	"restencil/template"
	"restencil/template/quick/quicktest"
	"restencil/watch"
)

// twins are a template as it is, and one that text/template alone executes.
type twins struct{ fast, slow *template.Template }

func parseTwins(o template.Options) (twins, error) {
	now := time.Date(2024, 2, 29, 23, 5, 7, 9, time.UTC)
	h := template.Host{
		LookupEnv: func(name string) (string, bool) { return "value of " + name, name != "UNSET" },
		Now:       func() time.Time { return now },
	}
	var pair twins
	var err error
	if pair.fast, err = template.Parse(o, h); err != nil {
		return pair, err
	}
	if pair.slow, err = template.Parse(o, h); err != nil {
		return pair, err
	}
	pair.slow.Slow()
	return pair, nil
}

// agree executes both, twice, and compares all that an execution says. It tells
// whether there was an output without text/template, and complains if there
// could have been one.
func (pair twins) agree(t *testing.T, text string, answers template.Answers) (fast bool) {
	t.Helper()
	compiled := pair.fast.Fast()
	for range 2 {
		want, got := said(t, pair.slow, answers), said(t, pair.fast, answers)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s\n(-text/template +ours):\n%s", text, diff)
		}
		fast = pair.fast.Fast() && want.Error == ""
	}
	if compiled && !pair.fast.Fast() {
		t.Errorf("%s\nwas left to text/template, which has no error", text)
	}
	return fast
}

// A saying is all that an execution says.
type saying struct {
	Output, Error, Printed string
	Position               template.Position
	Used, Missing          []watch.Query
	Files                  []funcs.File
}

var address = regexp.MustCompile(`0x[0-9a-f]{6,}`)

// said executes t. Addresses of what functions make anew are left out.
func said(t *testing.T, tmpl *template.Template, answers template.Answers) saying {
	r, err := tmpl.Execute(t.Context(), answers)
	s := saying{Output: string(r.Output), Printed: r.Printed, Used: r.Used, Missing: r.Missing, Files: r.Files}
	if err != nil {
		s.Output, s.Error = "", err.Error() // as far as it had come
	}
	for _, text := range []*string{&s.Output, &s.Error, &s.Printed} {
		*text = address.ReplaceAllString(*text, "0x")
	}
	return s
}

// agreeWithoutErrors compares templates that have an output and no business with
// text/template.
func agreeWithoutErrors(t *testing.T, text string, answers template.Answers) {
	t.Helper()
	pair, err := parseTwins(template.Options{Name: "a", Text: text})
	if err != nil {
		t.Fatal(err)
	}
	if !pair.agree(t, text, answers) {
		t.Errorf("%s\nhas no output without text/template", text)
	}
}

func TestBenchmarksAgree(t *testing.T) {
	files, err := filepath.Glob("../test/bench/template/testdata/*.ctmpl")
	if err != nil || len(files) == 0 {
		t.Fatalf("no templates: %v", err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		agreeWithoutErrors(t, string(text), shop)
	}
}

// shop answers the queries of the benchmarks' templates.
func shop(q watch.Query) (watch.Answer, bool) {
	data := "true"
	switch q.Name {
	case "app/limits":
		data = `{"rate": 10}`
	case "app/database/port":
		data = "5432"
	case "app/hosts":
		data = "a.example.com, b.example.com"
	}
	return hostileAnswers(data)(q)
}

func TestGoldenTextsAgree(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	for _, f := range files {
		arch, err := txtar.ParseFile(f)
		if err != nil {
			t.Fatal(err)
		}
		pair, err := parseTwins(template.Options{Name: "a", Text: string(arch.Files[0].Data)})
		if err == nil {
			pair.agree(t, f, hostileAnswers("1 a/b"))
		}
	}
}

// TestEffectsAgree executes templates of which the second half fails: what the
// first half did must not be done twice.
func TestEffectsAgree(t *testing.T) {
	for _, text := range []string{
		`{{ scratch.SetX "n" 1 }}{{ scratch.MapSet "m" "k" (key "a") }}{{ scratch.Get "m" }}`,
		`{{ scratch.Set "n" "x" }}{{ $x := scratch.Get "n" }}{{ writeToFile "/nowhere/a" "" "" "0644" (key "a") }}{{ writeToFile "/nowhere/b" "" "" "0600" $x "append" }}`,
		`{{ spew_dump (key "a") }}{{ spew_printf "%v" 1 }}`,
		`{{ range loop 3 }}{{ . }}{{ end }}{{ range loop 2 9 }}{{ break }}{{ end }}{{ timestamp "unix" }}{{ env "A" }}`,
		`{{ with secret "a" }}{{ sprig_set .Data "x" 1 }}{{ .Data }}{{ end }}`,
		`{{ $d := sprig_dict "a" 1 }}{{ range $k, $v := $d }}{{ $_ := sprig_set $d "b" 2 }}{{ $k }}{{ end }}{{ $d }}`,
		`{{ range service "web" }}{{ .Tags | sprig_sortAlpha }}{{ .Tags }}{{ .Name }}{{ end }}{{ range $t, $s := service "web" | byTag }}{{ $t }}{{ len $s }}{{ end }}`,
		`{{ define "a" }}{{ key . }}{{ with . }}{{ $ }}{{ end }}{{ end }}{{ executeTemplate "a" "x" }}{{ template "a" "y" }}{{ key "x" }}`,
		`{{ key (key "a") | replaceAll (key "b") (key "c") }}{{ if and (keyExists "d") (keyExists "e") }}{{ key "f" }}{{ end }}{{ or (key "g") (key "h") }}`,
	} {
		agreeWithoutErrors(t, text, hostileAnswers("b a c"))
		for _, end := range []string{`{{ key "z" | parseInt }}`, `{{ index (ls "missing/x") 0 }}`, `{{ template "none" }}`, `{{ .x.y }}{{ sprig_fail "no" }}`} {
			pair, err := parseTwins(template.Options{Name: "a", Text: text + end})
			if err != nil {
				t.Fatal(err)
			}
			pair.agree(t, text+end, hostileAnswers("b a c"))
		}
	}
}

// A loop that is broken off leaves no goroutine behind.
func TestLoopsEnd(t *testing.T) {
	agreeWithoutErrors(t, `{{ range loop 9 }}{{ . }}{{ break }}{{ end }}`, hostileAnswers(""))
	goleak.VerifyNone(t)
}

// lottery are the functions that give something else each time, or that go
// through a map in no certain order.
var lottery = regexp.MustCompile(`shuffle|randInt|encryptAES|sprig_keys|sprig_values|sprig_ago|mergeMap|explodeMap|executeTemplate`)

// FuzzTwins compares templates that are made at random, by a number, of all
// functions.
func FuzzTwins(f *testing.F) {
	for n := range uint64(1000) {
		f.Add(n)
	}
	words := vocabulary()
	f.Fuzz(func(t *testing.T, n uint64) {
		rng := rand.New(rand.NewPCG(n, 3))
		text := quicktest.Template(rng, words)
		pair, err := parseTwins(template.Options{Name: "a", Text: text, ErrorOnMissingKey: n%4 == 0, MaxTime: tooLong, MaxOutput: fuzzOutput})
		if err == nil {
			pair.agree(t, text, hostileAnswers(pick(rng, []string{"b a c", "1", "missing", `{"a": [1, null, {"b": "x"}], "b": "y"}`})))
		}
	})
}

func vocabulary() quicktest.Words {
	w := quicktest.Words{
		Operands: []string{
			`1`, `0`, `-1`, `2.5`, `"text"`, `""`, `"a"`, `"a/b"`, `true`, `nil`, `(key "a")`, `(tree "a")`, `(ls "a")`, `(service "web")`, `(services)`,
			`(service "web" | byTag)`, `(secret "a")`, `(key "a" | parseJSON)`, `(sprig_dict "a" 1 "b" "x")`, `(sprig_list 1 "a" nil)`, `(split " " "c a b")`,
			`(sprig_until 3)`, `scratch`, `(loop 2)`, `(node)`, `(keyOrDefault "missing" "d")`, `"%v %s"`, `(nodes)`, `$`,
		},
		Fields: []string{"Name", "Port", "Tags", "ServiceMeta", "ServiceMeta.a", "Node", "Key", "Value", "Data", "Data.value", "a", "b", "Get", "Address", "Path"},
	}
	for _, name := range callable() {
		if !lottery.MatchString(name) {
			w.Functions = append(w.Functions, name)
		}
	}
	w.Functions = append(w.Functions, "eq", "ne", "le", "ge", "gt")
	w.Functions = append(w.Functions, strings.Fields(strings.Repeat("print len index eq and or not toJSON sprig_default sprig_first sprig_toString contains key join ", 12))...)
	return w
}

func pick(rng *rand.Rand, from []string) string { return from[rng.IntN(len(from))] }

// TestRandomTemplatesRender makes sure that there is something to compare.
func TestRandomTemplatesRender(t *testing.T) {
	words, rendered := vocabulary(), 0
	for n := range uint64(500) {
		text := quicktest.Template(rand.New(rand.NewPCG(n, 4)), words)
		pair, err := parseTwins(template.Options{Name: "a", Text: text, MaxOutput: fuzzOutput})
		if err == nil && pair.agree(t, text, hostileAnswers("b a c")) {
			rendered++
		}
	}
	if rendered < 70 {
		t.Errorf("%d templates of 500 have an output", rendered)
	}
}
