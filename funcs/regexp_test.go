package funcs

import (
	"fmt"
	"strings"
	"testing"
)

func TestRegexp(t *testing.T) {
	runPureTests(t, []pureTest{
		{text: `{{ regexMatch "^v[0-9]+$" "v12" }} {{ "xv1" | regexMatch "^v" }} {{ regexMatch "" "" }} {{ regexMatch "(?i)É" "é" }}`, want: "true false true true"},
		{text: `{{ regexReplaceAll "(\\w)(\\d)" "$2${1}_" "a1b2" }} {{ regexReplaceAll "x*" "-" "ab" }} {{ regexReplaceAll "a" "$1x" "a" }}`, want: "1a_2b_ -a-b- "},
		{text: `{{ regexMatch "(" "x" }}`, fail: "error parsing regexp: missing closing ): `(`"},
		{text: `{{ regexReplaceAll "a{2,1}" "" "x" }}`, fail: "error parsing regexp: invalid repeat count"},
		{text: `{{ regexMatch "(?=a)" "a" }}`, fail: "invalid or unsupported Perl syntax"},
		{text: `{{ regexMatch "a" 1 }}`, fail: "expected string; found 1"},
	})
}

func TestSprigRegexp(t *testing.T) {
	runPureTests(t, []pureTest{
		{text: `{{ sprig_regexMatch "a+" "baa" }} {{ sprig_regexMatch "(" "(" }} {{ sprig_mustRegexMatch "b$" "ab" }}`, want: "true false true"},
		{text: `{{ sprig_regexFind "[bc]." "abcd" }}{{ sprig_mustRegexFind "x" "a" }}|`, want: "bc|"},
		{text: `{{ sprig_regexFindAll "[a-c]" "xaybzc" 2 }} {{ sprig_mustRegexFindAll "." "ab" -1 | toJSON }} {{ sprig_regexFindAll "q" "a" -1 | toJSON }}`, want: `[a b] ["a","b"] null`},
		{text: `{{ sprig_regexReplaceAll "(a)b" "abab" "${1}c" }} {{ sprig_mustRegexReplaceAll "a" "aa" "$0$0" }}`, want: "acac aaaa"},
		{text: `{{ sprig_regexReplaceAllLiteral "a" "ab" "$0" }} {{ sprig_mustRegexReplaceAllLiteral "b" "ab" "$1" }}`, want: "$0b a$1"},
		{text: `{{ sprig_regexSplit ",+" "a,,b,c" 2 | toJSON }} {{ sprig_mustRegexSplit "x" "axb" -1 }}`, want: `["a","b,c"] [a b]`},
		{text: `{{ sprig_regexFind "(" "x" }}`, fail: "error calling sprig_regexFind: regexp: Compile(`(`): error parsing regexp"},
		{text: `{{ sprig_regexSplit "[" "x" 1 }}`, fail: "regexp: Compile(`[`)"},
		{text: `{{ sprig_mustRegexFind "(" "x" }}`, fail: "error calling sprig_mustRegexFind: error parsing regexp"},
		{text: `{{ sprig_mustRegexFindAll "(" "x" 1 }}`, fail: "error parsing regexp"},
		{text: `{{ sprig_mustRegexReplaceAllLiteral "(" "x" "y" }}`, fail: "error parsing regexp"},
		{text: `{{ sprig_mustRegexSplit "(" "x" 1 }}`, fail: "error parsing regexp"},
	})
}

// However many expressions a template makes, only so many are kept.
func TestRegexpsAreKeptInBounds(t *testing.T) {
	e := new(Env)
	for range 2 {
		for i := range 3 * maxRegexps {
			re := fmt.Sprintf("^x{%d}$", i)
			if ok, err := e.regexMatch(re, "xxxxx"); err != nil || ok != (i == 5) {
				t.Fatalf("regexMatch %q: %v, %v", re, ok, err)
			}
		}
	}
	if n := len(e.kept.regexps); n != maxRegexps {
		t.Errorf("%d expressions are kept; want %d", n, maxRegexps)
	}
}

func TestSprigRegexpsAreKeptToo(t *testing.T) {
	p, err := parsePage(`{{ sprig_regexMatch "a" "b" }}{{ sprig_regexFind "b" "b" }}`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.render(); err != nil || len(p.env.kept.regexps) != 2 {
		t.Errorf("kept are %v, error %v", p.env.kept.regexps, err)
	}
}

func TestRegexpsAreCompiledOnce(t *testing.T) {
	e := new(Env)
	first, err := e.compile("a+", "")
	if err != nil {
		t.Fatal(err)
	}
	if second, _ := e.compile("a+", ""); second != first {
		t.Error("the expression was compiled again")
	}
}

// An expression and a text that would keep each other busy for minutes are an
// error, whichever function they are given to.
func TestRegexpsAreBounded(t *testing.T) {
	const text = `{{ $re := "(.?){500}(.?){500}x" }}{{ $s := sprig_repeat 3000000 "ab" }}`
	const want = "the expression is too complex for a text of 6000000 bytes"
	for _, call := range []string{
		`regexMatch $re $s`, `regexReplaceAll $re "" $s`,
		`sprig_regexMatch $re $s`, `sprig_mustRegexMatch $re $s`,
		`sprig_regexFind $re $s`, `sprig_mustRegexFind $re $s`,
		`sprig_regexFindAll $re $s -1`, `sprig_mustRegexFindAll $re $s -1`,
		`sprig_regexReplaceAll $re $s ""`, `sprig_mustRegexReplaceAll $re $s ""`,
		`sprig_regexReplaceAllLiteral $re $s ""`, `sprig_mustRegexReplaceAllLiteral $re $s ""`,
		`sprig_regexSplit $re $s -1`, `sprig_mustRegexSplit $re $s -1`,
	} {
		if _, err := render(text + "{{ " + call + " }}"); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: error %v; want %s", call, err, want)
		}
	}
}
