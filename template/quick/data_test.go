package quick

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"text/template"
)

type embedded struct{ Deep string }

// A thing has all that a value can have.
type thing struct {
	embedded
	*named
	Name   string
	Port   int
	Small  int8
	Size   uint16
	Real   float64
	Yes    bool
	Mark   mark
	Marks  marks
	Bytes  []byte
	Tags   []string
	Odd    table
	Meta   map[string]string
	Mixed  map[string]any
	Ints   map[int]string
	Keys   map[any]any
	Any    any
	Nil    any
	List   []any
	Inner  struct{ Name string }
	Next   *thing
	Things []thing
	Err    error
	Call   func(int) int
	hidden string
}

func (t thing) Hello() string                         { return "hello " + t.hidden }
func (t *thing) Pointer() string                      { return fmt.Sprint("pointer ", t == nil) }
func (t thing) Add(n int, more ...int8) int           { return t.Port + n + len(more) }
func (t thing) Fails(text string) (string, error)     { return text, errors.New(text) }
func (t thing) Give(v any) any                        { return v }
func (t thing) Reflect(v reflect.Value) reflect.Value { return v }
func (t thing) Pair() (int, int)                      { return 1, 2 }
func (t thing) Self() thing                           { return t }

type named struct{ Title string }

type mark string

func (m mark) String() string { return "<" + string(m) + ">" }

type marks []string

func (m *marks) String() string { return "marks" + strings.Join(*m, ",") }

type table map[string]int

func (t table) Total() int { return len(t) }

type amount int

func (a amount) String() string { return fmt.Sprintf("%d pieces", int(a)) }

func root() *thing {
	return &thing{
		embedded: embedded{"deep"}, Name: "näme", Port: 8080, Small: -3, Size: 3, Real: 0.5, Yes: true, Mark: "m",
		Marks: marks{"a"}, Bytes: []byte("by"), Tags: []string{"c", "a", "b"}, Odd: table{"x": 1},
		Meta: map[string]string{"b": "2", "a": "1"}, Mixed: map[string]any{"n": 1, "s": "s", "nil": nil, "l": []any{1, nil}},
		Ints: map[int]string{2: "b", -1: "a"}, Keys: map[any]any{"k": 1, "j": nil}, Any: "any", List: []any{1, "x", nil, 2.5, true},
		Inner: struct{ Name string }{"inner"}, Next: &thing{Name: "next", Next: nil}, Things: []thing{{Name: "t0"}, {Name: "t1", Port: 9}},
		Err: errors.New("err"), Call: func(n int) int { return -n }, hidden: "h",
	}
}

// sources are the functions without arguments.
func sources() template.FuncMap {
	things, boxed := make([]*thing, 2000), []any(nil)
	for i := range things {
		things[i] = &thing{Name: strings.Repeat("x", i%90), Port: i * 31, Meta: map[string]string{"weight": fmt.Sprint(i)}}
	}
	for i := range 20 {
		boxed = append(boxed, things[i])
	}
	two := "two"
	double := &[]*thing{things[1]}
	return template.FuncMap{
		"root":  root,
		"value": func() thing { return *root() },
		"boxed": func() any { return root() },
		"many":  func() []*thing { return things },
		"none":  func() []*thing { return nil },
		"gap":   func() []*thing { return []*thing{things[1], nil, things[2]} },
		"anys":  func() []any { return boxed },
		"mixed": func() []any {
			return []any{things[1], *root(), "text", 3, nil, map[string]any{"Name": 1}, []string{"a"}}
		},
		"values":   func() []thing { return []thing{*root(), {}} },
		"array":    func() [2]thing { return [2]thing{*root()} },
		"words":    func() []string { return []string{"b", "a", ""} },
		"marked":   func() []mark { return []mark{"one"} },
		"links":    func() []*string { return []*string{&two, nil} },
		"numbers":  func() []int64 { return []int64{-1, 0, 1 << 62} },
		"small":    func() int8 { return 5 },
		"unsigned": func() uint { return 3 },
		"negative": func() int { return -3 },
		"bools":    func() []bool { return []bool{true, false} },
		"bytes":    func() []byte { return []byte("ab") },
		"floats":   func() []float64 { return []float64{1e21, -0.5} },
		"double":   func() any { return &double },
		"maps":     func() map[string]*thing { return map[string]*thing{"k": things[3], "a": nil} },
		"dict":     func() map[string]any { return map[string]any{"b": 1, "a": "x", "nil": nil} },
		"ints":     func() map[int8]string { return map[int8]string{1: "x", -1: "y"} },
		"anykeys":  func() map[any]any { return map[any]any{"b": 1, "a": 2} },
		"uints":    func() map[any]string { return map[any]string{uint8(9): "x", uint8(1): "y"} },
		"oddkeys":  func() map[any]string { return map[any]string{true: "x"} },
		"channel":  func() <-chan int { return filled(3) },
		"nothing":  func() any { return nil },
		"fails":    func() ([]string, error) { return nil, errors.New("it failed") },
		"panics":   func() string { panic("it panicked") },
		"str":      func() string { return "text" },
		"empty":    func() string { return "" },
		"yes":      func() bool { return true },
		"one":      func() int { return 1 },
		"number":   func() amount { return 7 },
		"text":     func() mark { return "marked" },
		"failure":  func() error { return errors.New("an error") },
		"stringer": func() fmt.Stringer { return mark("stringer") },
		"callable": func() any { return func(n int) int { return n } },
		"nan":      math.NaN,
		"spare":    func() []string { return make([]string, 1, 3) },
		"reflects": func() reflect.Value { return reflect.ValueOf("reflected") },
	}
}

func filled(n int) chan int {
	c := make(chan int, n)
	for i := range n {
		c <- i
	}
	close(c)
	return c
}

// functions are all functions of the tests. Their types are some that calls are
// made for, and some that are called by reflection.
var functions = sync.OnceValue(func() template.FuncMap {
	m := sources()
	for name, f := range (template.FuncMap{
		"sprig_sortAlpha": func(list any) []string { l := list.([]string); slices.Sort(l); return l },
		"upper":           strings.ToUpper,
		"plus":            func(a, b any) (any, error) { return count(a) + count(b), nil },
		"times": func(a any, more ...any) int64 {
			n := int64(count(a))
			for _, m := range more {
				n *= int64(count(m))
			}
			return n
		},
		"print2":   fmt.Sprint,
		"format":   func(format string, v ...any) (string, error) { return fmt.Sprintf(format, v...), nil },
		"join2":    func(a, b string) string { return a + "-" + b },
		"len2":     func(s string) (int64, error) { return int64(len(s)), nil },
		"joined":   func(sep string, list []string) (string, error) { return strings.Join(list, sep), nil },
		"cut":      func(n int, s string) string { return s[n:] },
		"three":    func(a, b, c string) (string, error) { return a + b + c, nil },
		"list":     func(v ...any) []any { return v },
		"texts":    func(v ...string) (string, error) { return strings.Join(v, "+"), nil },
		"identity": func(v any) any { return v },
		"typed":    func(v any) string { return fmt.Sprintf("%T", v) },
		"either": func(a, b any, first bool) any {
			if first {
				return a
			}
			return b
		},
		"fallback": func(d any, v ...any) any {
			if len(v) > 0 && v[0] != nil {
				return v[0]
			}
			return d
		},
		"has":          func(a, b any) (bool, error) { return fmt.Sprint(a) == fmt.Sprint(b), nil },
		"huge":         func() uint64 { return 1<<64 - 3 },
		"maybe":        func(...string) (any, error) { return nil, nil },
		"sprig_upper":  strings.ToUpper,
		"sprig_list":   func(v ...any) []any { return v },
		"sprig_join":   func(sep string, v any) string { return fmt.Sprint(v, sep) },
		"named":        func(v any) *named { return &named{fmt.Sprint(v)} },
		"takesMap":     func(m map[string]any, k string) any { return m[k] },
		"takesThing":   func(t thing) string { return t.Name },
		"takesPointer": func(t *thing) string { return t.Name },
		"takesInts":    func(a int8, b uint, c float64, d ...int) string { return fmt.Sprint(a, b, c, d) },
		"takesMark":    func(m mark) mark { return m + "!" },
		"takesError":   func(err error) string { return fmt.Sprint(err) },
		"takesReflect": func(v reflect.Value) string { return fmt.Sprint(v.IsValid()) },
		"capacity":     func(list any) int { return reflect.ValueOf(list).Cap() },
		"parseInt":     func(s string) (int64, error) { return int64(len(s)), nil },
		"put":          func(m map[string]any, k string, v any) string { m[k] = v; return "" },
		"seq":          func(n int) iter.Seq[int] { return func(yield func(int) bool) { yield(n) } },
	}) {
		m[name] = f
	}
	return m
})

func count(v any) int {
	r := reflect.ValueOf(v)
	switch {
	case r.CanInt():
		return int(r.Int())
	case r.CanUint():
		return int(r.Uint())
	default:
		return len(fmt.Sprint(v))
	}
}

// rangeTexts are loops; LIST is what they range over.
var rangeTexts = []string{
	`{{ range LIST }}{{ .Name }}:{{ .Port }} {{ "\n" }}{{ end }}`,
	`{{ range $s := LIST }}{{ $s.Name }} {{ .Port }} {{ end }}`,
	`{{ range $i, $s := LIST }}{{ $i }}={{ $s.Name }} {{ .Port }},{{ end }}`,
	`{{ range $i, $_ := LIST }}{{ $i }}{{ end }}`,
	`{{ range $i, $x := LIST }}{{ $i }}: {{ $x }};{{ else }}{{ $x }}{{ end }}`,
	`{{ range LIST }}{{ .Meta.weight }} {{ .Meta.none }}|{{ end }}`,
	`{{ range LIST }}{{ . }},{{ end }}`,
	`{{ range $x := LIST }}{{ $x }},{{ end }}`,
	`{{ range LIST }}x{{ else }}empty{{ end }}`,
	`{{ range LIST }}{{ .Mark }} {{ .Marks }} {{ .Bytes }}{{ end }}`,
	`{{ range LIST }}{{ .Hello }}{{ .Add 1 }}{{ end }}`,
	`{{ range LIST }}{{ .Pointer }}{{ end }}`,
	`{{ range LIST }}{{ .Inner.Name }}{{ .Small }}{{ .Real }}{{ .Deep }}{{ end }}`,
	`{{ range LIST }}{{ .Title }}{{ end }}`,
	`{{ range LIST }}{{ .Next.Mark }}{{ end }}`,
	`{{ range LIST }}{{ .Any }}{{ .Nil }}{{ .Err }}{{ end }}`,
	`{{ range LIST }}{{ .hidden }}{{ end }}`,
	`{{ range LIST }}{{ .Nowhere }}{{ end }}`,
	`{{ range LIST }}{{ .Port.Deep }}{{ end }}`,
	`{{ range LIST }}{{ end }}.`,
	`{{ range LIST }}{{ $ }}{{ end }}`,
	`{{ range LIST }}{{ break }}{{ end }}`,
	`{{ range LIST }}a{{ if . }}{{ continue }}{{ end }}b{{ end }}`,
	`{{ range LIST }}a{{ .Port | printf "%06d" }}{{ end }}`,
	`{{ range LIST }}{{ $p := .Port }}{{ $p }}{{ end }}`,
	`{{ range LIST }}{{ if . }}{{ typed . }}{{ else }}-{{ end }}{{ with . }}{{ typed . }}{{ end }}{{ end }}`,
	`{{ range $i, $s := LIST }}{{ $i.Port }}{{ end }}`,
	`{{ $i := 5 }}{{ $s := 6 }}{{ range $i, $s = LIST }}.{{ end }}{{ $i }}{{ typed $s }}`,
	`{{ $s := 6 }}{{ range $s = LIST }}.{{ else }}{{ $s }}{{ end }}{{ typed $s }}`,
	`{{ range $i, $s := LIST }}{{ range LIST }}{{ $i }}{{ break }}{{ end }}{{ end }}`,
	`{{ range words }}{{ range LIST }}x{{ else }}{{ break }}{{ end }}y{{ end }}`,
	`{{ range words }}{{ range LIST }}x{{ break }}{{ else }}{{ continue }}{{ end }}y{{ end }}`,
	`{{ define "part" }}{{ range LIST }}{{ .Port }},{{ end }}{{ end }}{{ template "part" }}{{ template "part" . }}`,
	`{{ with LIST }}{{ range . }}{{ .Port }}{{ end }}{{ end }}`,
	`{{ LIST }}{{ typed LIST }}{{ len LIST }}`,
	`{{ LIST | typed }}{{ (LIST).Name }}`,
	`{{ LIST.Name }}`,
	`{{ with $x := LIST }}{{ $x | print }}{{ eq $x . }}{{ else }}{{ not $x }}{{ end }}`,
	`{{ eq LIST 1 }}`, `{{ lt LIST 2 }}`, `{{ gt 1 LIST }}`, `{{ eq "text" LIST "b" }}`, `{{ eq LIST LIST }}`, `{{ ne nil LIST }}`,
	`{{ index LIST 0 }}`, `{{ index LIST "k" }}`, `{{ slice LIST 1 }}`, `{{ index LIST 1 "a" }}`, `{{ index "text" LIST }}`,
	`{{ join2 LIST "x" }}`, `{{ joined "," LIST }}`, `{{ cut LIST "text" }}`, `{{ takesThing LIST }}`, `{{ takesPointer LIST }}`,
	`{{ takesMark LIST }}`, `{{ takesError LIST }}`, `{{ takesReflect LIST }}`, `{{ takesInts 1 2 LIST }}`, `{{ takesMap LIST "a" }}`,
	`{{ and 1 LIST 0 }}{{ or 0 LIST }}{{ LIST | or 0 }}{{ LIST | and 1 }}`, `{{ LIST | printf "%v" }} {{ html LIST }} {{ println LIST 1 LIST }}`,
	`{{ range $k, $v := root.Mixed }}{{ LIST | join2 $k }}{{ end }}`,
}

// texts are templates that have an output, with missing keys as errors too.
var texts = []string{
	`{{ $x := 1 }}{{ if yes }}{{ $x = 2 }}{{ $x := 3 }}{{ $x }}{{ end }}{{ $x }}`,
	`{{ if $x := str }}{{ $x }}{{ else if $y := one }}{{ $x }}{{ $y }}{{ end }}{{ if empty }}{{ else if $y := one }}{{ $y }}{{ end }}`,
	`{{ with $x := empty }}{{ else with $y := 1 }}{{ $x }}{{ $y }}{{ . }}{{ end }}{{ with root.Next }}{{ .Name }}{{ $ }}{{ end }}`,
	`{{ $x := 1 }}{{ range words }}{{ $x }}{{ $x = . }}{{ $x := 5 }}{{ end }}{{ $x }}`,
	`{{ range $i, $x := words }}{{ range $i, $y := words }}{{ if eq $x $y }}{{ break }}{{ end }}{{ $i }}{{ $y }}{{ end }};{{ end }}`,
	`{{ range $x, $x := words }}{{ $x }}{{ end }}{{ $x := 0 }}{{ range $x, $x = words }}{{ $x }}{{ end }}{{ $x }}`,
	`{{ define "a" }}{{ $ }}{{ . }}{{ with 5 }}{{ $ }}{{ end }}{{ end }}{{ template "a" 1 }}{{ $x := 2 }}{{ template "a" $x }}{{ template "a" }}{{ $x }}`,
	`{{ define "a" }}{{ if . }}{{ len . }}{{ template "a" slice . 1 }}{{ end }}{{ end }}{{ template "a" "12345" }}{{ block "b" 1 }}{{ . }}{{ end }}`,
	`{{ define "a" }}{{ range . }}{{ break }}{{ end }}x{{ end }}{{ range words }}{{ template "a" words }}{{ end }}`,
	`{{ root.Add 1 }}{{ root.Add 1 2 3 }}{{ 4 | root.Add }}{{ 5 | (root).Add }}{{ (root.Self).Name }}{{ root.Next.Name }}`,
	`{{ $r := root }}{{ $r.Add $r.Port }}{{ $r.Give nil }}{{ $r.Give "x" | $r.Give | print }}{{ $r.Reflect 1 }}{{ (value).Hello }}`,
	`{{ range root.Things }}{{ .Pointer }}{{ .Name }}{{ .Marks }}{{ end }}{{ root.Marks }}{{ root.Odd }}{{ root.Odd.Total }}{{ root.Odd.x }}`,
	`{{ root.Next.Next.Pointer }}`,
	`{{ plus 1 2 | times 3 }}{{ upper "a" | join2 "b" }}{{ 1 | plus 2 | times 4 5 }}{{ format "%s-%d" "a" 1 }}{{ 1 | format "%d%v" 2 }}`,
	`{{ texts }}{{ texts "a" }}{{ "b" | texts "a" str }}{{ print2 }}{{ list | len }}{{ list 1 "a" nil }}{{ nothing | list 1 }}`,
	`{{ list 1 2 | capacity }}{{ capacity (list) }}{{ 3 | list 1 2 | capacity }}`,
	`{{ three "a" "b" "c" }}{{ "c" | three "a" "b" }}{{ either 1 "x" true }}{{ false | either 1 "x" }}{{ fallback 1 }}{{ nothing | fallback 2 }}{{ fallback 1 nil 2 }}`,
	`{{ takesInts 300 0xff 1e3 -1 }}{{ takesInts 'a' 1 1 }}{{ takesMark "m" }}{{ takesMark text }}{{ takesError nil }}{{ takesReflect nil }}{{ takesThing root }}`,
	`{{ takesPointer (index root.Things 1) }}{{ takesMark root.Mark }}{{ takesError root.Err }}{{ joined "," root.Marks }}`,
	`{{ 1 }}{{ -1 }}{{ 1.5 }}{{ 1e3 }}{{ 0x1F }}{{ 'a' }}{{ 1i }}{{ true }}{{ "s" }}{{ "\xff" }}{{ 9223372036854775807 }}{{ 1_000 }}`,
	`{{ typed 1 }}{{ typed 'a' }}{{ typed 1e3 }}{{ typed 0x10 }}{{ typed 1i }}{{ typed nil }}{{ typed true }}{{ typed -0.0 }}{{ typed 1.0 }}{{ typed 'e' }}{{ typed 0xe }}{{ typed 0x1p4 }}{{ typed '.' }}`,
	`{{ eq 1 1 }}{{ eq 1 2 1 }}{{ eq "a" str }}{{ eq str "text" }}{{ ne 1 2 }}{{ lt 1 2 }}{{ le 2 2 }}{{ gt 1.5 0.5 }}{{ ge "b" "a" }}{{ eq unsigned 3 }}{{ lt negative unsigned }}`,
	`{{ eq nil nil }}{{ eq nothing nil }}{{ eq root.Any "any" }}{{ eq root.Nil nil }}{{ eq root root }}{{ eq root.Mark "m" }}{{ eq 1i 1i }}{{ eq true yes }}{{ eq (value).Inner (value).Inner }}`,
	`{{ not 0 }}{{ not str }}{{ and 1 0 2 }}{{ or 0 "" nil }}{{ and yes str }}{{ 5 | and 1 }}{{ 5 | or }}{{ or nothing 2 }}{{ not nothing }}{{ and root.Nil 1 }}`,
	`{{ or true fails }}{{ and false (index words 99) }}{{ if or yes panics }}ok{{ end }}`,
	`{{ index words 0 }}{{ index root.Mixed "l" 0 }}{{ index root.Meta "none" }}{{ index root.Ints 2 }}{{ index ints 1 }}{{ index "abc" 1 }}{{ index root.Keys "k" }}{{ index (array) 0 | typed }}`,
	`{{ slice words 1 }}{{ slice words }}{{ slice "abc" 1 2 }}{{ slice words 0 1 2 }}{{ len words }}{{ len "é" }}{{ len root.Meta }}{{ index words (slice "x" 1 | len) }}`,
	`{{ eq negative huge }}{{ eq huge negative }}{{ lt huge negative }}{{ gt nan 1.0 }}{{ ge nan 1.0 }}{{ le nan nan }}{{ len (slice spare 0 2) }}`,
	`{{ print }}{{ print 1 2 "a" "b" nil }}{{ println 1 }}{{ printf "%v %q" root.Tags 'a' }}{{ html "<" root.Mark }}{{ js "'" }}{{ urlquery "a b" }}`,
	`{{ root.Any }}{{ root.Nil }}{{ root.List }}{{ root.Next.Meta }}{{ root.Err }}{{ stringer }}{{ failure }}{{ reflects }}{{ reflects | len }}{{ text }}{{ number }}{{ one }}`,
	`{{ root.Keys.k }}{{ root.Mixed.nil }}{{ root.Mixed.s | len }}{{ (index root.Mixed "l") | len }}{{ dict.a }}{{ (dict).b }}{{ maps.k.Port }}{{ root.Deep }}`,
	`{{ range $k, $v := root.Keys }}{{ $k }}{{ $v }}{{ end }}{{ range $k, $v := root.Ints }}{{ $k }}{{ $v }}{{ end }}{{ range $k, $v := root.Odd }}{{ $k }}{{ $v }}{{ end }}`,
	`{{ $d := dict }}{{ range $k, $v := $d }}{{ put $d "b" 9 }}{{ put $d (join2 $k "x") 1 }}{{ $v }}{{ end }}{{ $d }}`,
	`{{ range 3 }}{{ . }}{{ end }}{{ range $i := small }}{{ typed $i }}{{ end }}{{ range number }}{{ typed . }}{{ break }}{{ end }}{{ range -1 }}{{ else }}none{{ end }}`,
	`{{ range channel }}{{ . }}{{ end }}{{ range $i, $x := channel }}{{ $i }}{{ $x }}{{ if $i }}{{ break }}{{ end }}{{ else }}none{{ end }}`,
	`{{ $l := words }}{{ $a := index $l 0 }}{{ print $a (sprig_sortAlpha $l) $a }}{{ $a }}`,
	`{{ $l := words }}{{ join2 (index $l 0) (joined "," (sprig_sortAlpha $l)) }}{{ range words }}{{ . | upper }}{{ end }}`,
	`{{ $l := words }}{{ range $l }}{{ texts . (index (sprig_sortAlpha $l) 0) . }}{{ end }}{{ list (index $l 1) (sprig_sortAlpha $l) }}`,
	`{{- /* a comment */ -}} x {{- upper "kept" }}{{ upper "kept" | upper }}{{ plus 1 (plus 2 3) }}{{ list 1 (list 2 "x") }}{{ upper (print 1) }}`,
	`{{ takesMap root.Mixed "s" }}{{ has 1 "1" }}{{ if has 1 root.Any }}{{ else }}no{{ end }}{{ len2 "abc" | plus 1 }}{{ parseInt "12" }}{{ cut 1 "abc" }}{{ "abc" | cut 2 }}`,
	`{{ (named 1).Title }}{{ with named "x" }}{{ .Title | upper }}{{ end }}{{ identity (named 2) | typed }}{{ (identity root).Name }}{{ (identity value).Name }}`,
	`{{ printf "%s" (print "%d" | upper) }}{{ print (print (print 1)) }}{{ (1) }}{{ ((str)) | len }}`,
}

// failing are templates that fail.
var failing = []string{
	`{{ fails }}`, `{{ panics }}`, `{{ root.Nowhere }}`, `{{ root.hidden }}`, `{{ root.Port.Deep }}`, `{{ root.Title }}`,
	`{{ root.Next.Next.Name }}`, `{{ root.Name 1 }}`, `{{ 1 | root.Name }}`, `{{ root.Meta.a 1 }}`, `{{ root.Add }}`,
	`{{ root.Add "x" }}`, `{{ root.Fails "x" }}`, `{{ root.Pair }}`, `{{ root.Hello 1 }}`, `{{ root.Call }}`, `{{ root.Nil.Name }}`,
	`{{ upper }}`, `{{ upper 1 }}`, `{{ upper "a" "b" }}`, `{{ "a" | upper "b" }}`, `{{ upper nil }}`, `{{ upper text }}`, `{{ cut 99 "x" }}`,
	`{{ 1 2 }}`, `{{ (1) 2 }}`, `{{ $x := 1 }}{{ $x 2 }}`, `{{ true 1 }}`, `{{ nil }}`, `{{ "a" "b" }}`,
	`{{ 18446744073709551615 }}`, `{{ takesInts "a" 1 1 }}`, `{{ takesInts 1 -1 1 }}`, `{{ takesError 1 }}`,
	`{{ index words 99 }}`, `{{ index words 3 }}`, `{{ index words "a" }}`, `{{ index nil 1 }}`, `{{ index 5 1 }}`, `{{ index root.Meta 1 }}`, `{{ index words nil }}`,
	`{{ index root.Keys words }}`, `{{ slice words 2 1 }}`, `{{ slice words 4 }}`, `{{ slice "abc" 0 1 2 }}`, `{{ slice 5 }}`, `{{ slice nil }}`, `{{ slice words 0 1 2 3 }}`,
	`{{ len 5 }}`, `{{ len nil }}`, `{{ len nothing }}`, `{{ eq 1 }}`, `{{ eq 1 "a" }}`, `{{ eq 1 1.5 }}`, `{{ eq words words }}`, `{{ lt true false }}`, `{{ lt 1 "a" }}`, `{{ lt nil 1 }}`, `{{ lt 1i 2i }}`,
	`{{ ne 1 2 3 }}`, `{{ not }}`, `{{ and }}`, `{{ template "none" }}`, `{{ range root }}{{ end }}`, `{{ range true }}{{ end }}`, `{{ range $i, $x := 3 }}{{ end }}`,
	`{{ if yes }}{{ $x := 1 }}{{ $x }}{{ else }}{{ end }}{{ if empty }}{{ $x := 1 }}{{ else }}{{ $x }}{{ end }}`,
	`{{ define "a" }}{{ template "a" }}{{ end }}{{ template "a" }}`, `{{ range gap }}{{ .Name }}{{ end }}`, `{{ nothing.Name }}`, `{{ maybe.Name }}`,
	`{{ slice (list 1 2) 0 3 }}`, `{{ slice (3 | list 1 2) 0 4 }}`, `{{ callable }}`, `{{ joined "," root.List }}`, `{{ takesPointer value }}`,
}

// failingStrict are templates that fail where missing keys are errors.
var failingStrict = []string{`{{ .Name }}`, `{{ root.Meta.none }}`, `{{ (nothing).Name }}`, `{{ .Name 1 }}`}
