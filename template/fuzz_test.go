package template_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"regexp"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"
	"time"

	"restencil/funcs"
	"restencil/template"
	"restencil/watch"
)

// What hostile data may cost. The limits of the execution are far below what the
// test allows, for the machine may be busy.
const (
	fuzzTime   = 50 * time.Millisecond
	fuzzOutput = 1 << 20
	tooLong    = 20 * time.Second
	tooMuch    = 4 << 30 // bytes allocated in all, most of them garbage
)

// busy are functions that are not a matter of templates but of the host, or
// that are slow on purpose.
var busy = regexp.MustCompile(`plugin|sockaddr|spew|derivePassword|bcrypt|htpasswd|sprig_gen`)

// FuzzData executes one of some templates on data: whatever that is, it ends in
// time and within bounds, with an output or an *Error, and a second execution is
// no worse off.
func FuzzData(f *testing.F) {
	for n, s := range templates {
		f.Add(n, s[1])
	}
	f.Fuzz(func(t *testing.T, n int, data string) {
		if n >= 0 && n < len(templates) {
			survive(t, templates[n][0], data)
		}
	})
}

// FuzzCalls does the same with functions that are called with just any
// arguments, by a number that they are chosen with.
func FuzzCalls(f *testing.F) {
	for n := range uint64(50) {
		f.Add(n)
	}
	names := callable()
	f.Fuzz(func(t *testing.T, n uint64) {
		rng := rand.New(rand.NewPCG(n, 0))
		call := randomCall(rng, names)
		for range rng.IntN(3) {
			call += " | " + randomCall(rng, names)
		}
		t.Log(call)
		survive(t, arguments+"{{ "+call+" }}", `{"a": [1, null, "x"]} b c/d`)
	})
}

func survive(t *testing.T, text, data string) {
	tmpl, err := template.Parse(template.Options{
		Name: "fuzz", Text: text, MaxTime: fuzzTime, MaxOutput: fuzzOutput,
	}, template.Host{LookupEnv: func(string) (string, bool) { return data, true }})
	if err != nil {
		checkError(t, err)
		return
	}
	overdue := time.AfterFunc(tooLong, func() { panic("the execution does not end") })
	defer overdue.Stop()
	before := allocated()
	for range 2 {
		execute(t, tmpl, data)
	}
	if n := allocated() - before; n > tooMuch {
		t.Errorf("%d bytes allocated", n)
	}
}

// callable returns the names of the functions that FuzzCalls calls: all but the
// busy ones, and eq and ne, which write out what they cannot compare.
func callable() []string {
	names := append(funcs.Names(), "and", "call", "html", "index", "js", "len", "lt", "not", "or", "print", "printf", "println", "slice", "urlquery")
	return slices.DeleteFunc(names, busy.MatchString)
}

func randomCall(rng *rand.Rand, names []string) string {
	call := names[rng.IntN(len(names))]
	for range rng.IntN(4) {
		call += " " + hostileArguments[rng.IntN(len(hostileArguments))]
	}
	return call
}

// arguments makes the variables of hostileArguments.
const arguments = `{{ $text := sprig_repeat 1000 "ab" }}{{ $strings := split "" $text }}{{ $numbers := sprig_until 2000 }}` +
	`{{ $deep := sprig_list }}{{ range loop 500 }}{{ $deep = sprig_list $deep }}{{ end }}` +
	`{{ $dict := sprig_dict "a" 1 "b" (sprig_dict "c" $deep) }}{{ $list := sprig_list 1 "a" nil $dict }}`

var hostileArguments = []string{
	`$text`, `$strings`, `$numbers`, `$deep`, `$dict`, `$list`, `$`, `nil`, `true`, `scratch`, `(loop 3)`,
	`0`, `1`, `-1`, `99999999`, `9223372036854775807`, `-9223372036854775808`, `0.1`, `1e308`, `'a'`,
	`""`, `"a"`, `"\xff\x00"`, `"$1%s%[1]s%999999d"`, `"(a*)*b"`, `"../../x"`, `"2006"`,
	`(key "a")`, `(tree "a")`, `(services)`, `(service "web")`, `(byTag (service "web"))`, `(secret "a")`, `(parseJSON "[1,[2,{\"a\":null}]]")`,
}

func execute(t *testing.T, tmpl *template.Template, data string) {
	r, err := tmpl.Execute(t.Context(), hostileAnswers(data))
	checkError(t, err)
	if err == nil && len(r.Content) > fuzzOutput {
		t.Errorf("an output of %d bytes", len(r.Content))
	}
	for _, q := range r.Missing {
		tmpl.Locate(t.Context(), hostileAnswers(data), q)
	}
}

func checkError(t *testing.T, err error) {
	var e *template.Error
	switch {
	case err == nil:
	case !errors.As(err, &e):
		t.Errorf("the error is a %T: %v", err, err)
	case strings.HasPrefix(e.Err.Error(), "panic: "): // beyond those of functions, which the engine handles
		t.Errorf("the engine panicked: %v", err)
	}
}

func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// hostileAnswers has data in all places. What is called "missing" is.
func hostileAnswers(data string) template.Answers {
	return func(id watch.ID) *watch.Answer {
		q := id.Value()
		if strings.Contains(q.Name, "missing") {
			return nil
		}
		d := hostileData(q, data)
		return &watch.Answer{Data: d, Last: d}
	}
}

func hostileData(q watch.Query, data string) any {
	words := append(strings.Fields(data), data, "")
	switch q.Kind {
	case watch.KVGet:
		if data == "" {
			return nil
		}
		return &watch.KeyPair{Path: q.Name, Key: q.Name, Value: data}
	case watch.KVList:
		return each(words, func(s string) *watch.KeyPair { return &watch.KeyPair{Path: q.Name + s, Key: s, Value: data} })
	case watch.ServiceHealth, watch.ConnectHealth:
		return each(words, func(s string) *watch.HealthService {
			return &watch.HealthService{
				Node: s, Address: data, ID: s, Name: q.Name, Port: len(s), Status: s, Tags: words,
				ServiceMeta: map[string]string{s: data}, NodeMeta: map[string]string{data: s},
			}
		})
	case watch.ServiceList:
		return each(words, func(s string) *watch.CatalogSnippet { return &watch.CatalogSnippet{Name: s, Tags: words} })
	case watch.NodeList:
		return each(words, func(s string) *watch.Node { return &watch.Node{Node: s, Address: data} })
	case watch.DatacenterList:
		return words
	case watch.FileContent:
		return data
	case watch.VaultRead, watch.VaultWrite:
		var value any
		if json.Unmarshal([]byte(data), &value) != nil {
			value = data
		}
		return &watch.Secret{Data: map[string]any{"value": value, "data": map[string]any{"value": value}}}
	case watch.VaultList:
		return words
	case watch.NomadVarGet:
		return watch.NomadVarItems{}
	}
	return nil
}

func each[T any](words []string, one func(string) *T) []*T {
	var list []*T
	for _, w := range words {
		list = append(list, one(w))
	}
	return list
}

// templates are some with what the limits are for, and some with what depends on
// data, and data.
var templates = [][2]string{
	{`{{ range loop 1000000000000 }}{{ end }}`, ""},
	{`{{ range loop 1000000000000 }}{{ continue }}{{ end }}`, ""},
	{`{{ define "a" }}{{ template "a" }}{{ end }}{{ template "a" }}`, ""},
	{`{{ define "a" }}{{ executeTemplate "a" . }}{{ end }}{{ template "a" }}`, ""},
	{`{{ $x := sprig_dict }}{{ $_ := sprig_set $x "a" (sprig_list $x) }}{{ $x }}`, ""},
	{`{{ sprig_untilStep 0 2147483647 1 | len }}{{ sprig_seq 1 1000000000 | len }}`, ""},
	{`{{ sprig_repeat 2147483647 "x" | len }}{{ indent 2147483647 "x" | len }}{{ sprig_nindent 2147483647 "x" }}`, ""},
	{`{{ printf "%999999999d%*d" 1 999999999 1 }}`, ""},
	{`{{ regexReplaceAll "(a{900}){900}" "x" (key "a") }}{{ regexMatch (key "a") "a" }}`, "a{1000}{1000}"},
	{`{{ key "a" | parseYAML | toJSON }}{{ key "a" | parseYAML | toTOML }}`, "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]"},
	{`{{ key "a" | parseJSON | toYAML }}{{ key "a" | parseJSON | explodeMap }}`, `{"a/b": {"c": 1}, "a": [[[1e999]]]}`},
	{`{{ range service "web" }}server {{ .Address }}:{{ .Port }} {{ .ServiceMeta.x }};{{ else }}none{{ end }}`, "10.0.0.1 x"},
	{`{{ range $i, $s := service "web" }}{{ $i }}{{ $s.Node }}{{ $s.Missing }}{{ end }}{{ range nodes }}{{ . }}{{ end }}`, "a b"},
	{`{{ range $t, $l := service "web" | byTag }}{{ $t }}{{ range $l }}{{ .ID }}{{ end }}{{ end }}{{ service "web" | byMeta "x|int,y" }}`, "a 1"},
	{`{{ with secret "a" }}{{ .Data.value | toJSON }}{{ .Data.data.value }}{{ end }}{{ secrets "a" }}`, `{"a": [1, null, {"b": "c"}]}`},
	{`{{ tree "a" | explode | toJSON }}{{ ls "a" | byKey }}{{ safeLs "missing" }}`, "a/b a a/ /a //"},
	{`{{ key "missing/a" | parseInt }}{{ key "a" | parseInt }}`, "9223372036854775808"},
	{`{{ add (key "a" | parseInt) -1 }}{{ divide 0 (key "a" | parseInt) }}{{ modulo -1 (key "a" | parseInt) }}`, "-9223372036854775808"},
	{`{{ scratch.MapSetX "a" (key "a") 1 }}{{ scratch.MapValues "a" }}{{ index (scratch.Get "a") "b" }}`, "b"},
	{`{{ timestamp (key "a") }}{{ toTitle (key "a") }}{{ base64Decode (key "a") }}{{ hmacSHA256Hex "" (key "a") }}`, "\xff\xfe\x00"},
	{`{{ writeToFile "/nowhere" "" "" (key "a") (key "a") }}{{ file (key "a") }}{{ env (key "a") }}`, "0644"},
	{`{{ sprig_fromJson (key "a") | sprig_toPrettyJson }}{{ sprig_semverCompare (key "a") "1.2.3" }}`, ">=1.0 || <2"},
	{`{{ sprig_wrap 0 (key "a") }}{{ sprig_trunc -1 (key "a") }}{{ sprig_substr 3 1 (key "a") }}{{ sprig_splitn "" -1 (key "a") }}`, "ab c"},
	{`{{ sprig_addf 1e308 1e308 }}{{ sprig_round 1e308 400 }}{{ sprig_mulf 1e308 1e308 1e308 }}{{ sprig_int64 (key "a") }}`, "1e1000000000"},
	{`{{ slice (key "a") 1 2 }}{{ index (key "a") 99 }}{{ len nil }}{{ call .x }}{{ html (key "a") }}{{ js (key "a") }}`, "<'>"},
	{`{{ break }}`, ""},
	{`{{`, ""},
	{`{{ "\xff" }}{{ /* */ }}{{- 1 -}}{{ . }}{{ $ }}{{ nil }}`, ""},
}
