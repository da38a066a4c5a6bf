package funcs

import (
	"reflect"
	"strings"
	"text/template"
)

// boundTexts bounds the functions whose results can be many times as long as
// what they are given, or grow each time that a loop comes round.
func boundTexts(m template.FuncMap) {
	for _, name := range []string{"sprig_b32enc", "sprig_b64enc", "sprig_regexQuoteMeta"} {
		f := m[name].(func(string) string)
		m[name] = func(s string) string { must(fits(name, 2, len(s))); return f(s) }
	}
	encrypt := m["sprig_encryptAES"].(func(string, string) (string, error))
	m["sprig_encryptAES"] = func(key, s string) (string, error) {
		must(fits("sprig_encryptAES", 2, len(s)))
		return encrypt(key, s)
	}
	replace := m["sprig_replace"].(func(string, string, string) string)
	m["sprig_replace"] = func(from, to, s string) string {
		must(fitsReplaced("sprig_replace", from, to, s))
		return replace(from, to, s)
	}
	wrapWith := m["sprig_wrapWith"].(func(int, string, string) string)
	m["sprig_wrapWith"] = func(width int, sep, s string) string {
		must(fits("sprig_wrapWith", len(sep), 2*len(s)/max(width, 1)+1))
		return wrapWith(width, sep, s)
	}
	boundSplits(m)
	concat := m["sprig_concat"].(func(...any) any)
	m["sprig_concat"] = func(lists ...any) any {
		total := 0
		for _, list := range lists {
			total += length(list)
		}
		must(fits("sprig_concat", elementSize, total))
		return concat(lists...)
	}
	dictOf := m["sprig_dict"].(func(...any) map[string]any)
	m["sprig_dict"] = func(v ...any) map[string]any {
		for i := 0; i < len(v); i += 2 { // the keys, which are written out
			must(writable("sprig_dict", v[i]))
		}
		return dictOf(v...)
	}
}

// elementSize is what an element of a list takes.
const elementSize = 16

func boundSplits(m template.FuncMap) {
	list := m["sprig_splitList"].(func(string, string) []string)
	m["sprig_splitList"] = func(sep, s string) []string {
		must(fitsSplit("sprig_splitList", elementSize, sep, s))
		return list(sep, s)
	}
	const entrySize = 8 * elementSize // of a map
	parts := m["sprig_split"].(func(string, string) map[string]string)
	m["sprig_split"] = func(sep, s string) map[string]string {
		must(fitsSplit("sprig_split", entrySize, sep, s))
		return parts(sep, s)
	}
	some := m["sprig_splitn"].(func(string, int, string) map[string]string)
	m["sprig_splitn"] = func(sep string, n int, s string) map[string]string {
		must(fitsSplit("sprig_splitn", entrySize, sep, s))
		return some(sep, n, s)
	}
}

// fitsSplit tells whether the parts of s fit, at size bytes each. It counts
// only where there might be too many.
func fitsSplit(function string, size int, sep, s string) error {
	if fits(function, size, len(s)+1) == nil {
		return nil
	}
	return fits(function, size, strings.Count(s, sep)+1)
}

// fitsReplaced tells whether s fits with each from replaced by to. It counts
// only where there might be too much.
func fitsReplaced(function, from, to, s string) error {
	if fits(function, len(to), len(s)+1) == nil {
		return nil
	}
	return fits(function, 1, len(s)+min(strings.Count(s, from), maxResult)*max(len(to)-len(from), 0))
}

// length returns how many elements a list has, 0 where it is none.
func length(list any) int {
	v := reflect.ValueOf(list)
	if v.Kind() != reflect.Slice && v.Kind() != reflect.Array {
		return 0
	}
	return v.Len()
}
