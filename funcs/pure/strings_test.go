package pure

import (
	"strings"
	"testing"
)

func TestStrings(t *testing.T) {
	runPureTests(t, []pureTest{
		{text: `{{ indent 3 "one\n\n two\n" }}|`, want: "   one\n\n    two\n|"},
		{text: `{{ indent 2 "" }}|{{ indent 2 "\n" }}|{{ indent 0 "x" }}|{{ "é\r\nb" | indent 1 }}`, want: "|\n|x| é\r\n b"},
		{text: `{{ indent -1 "x" }}`, fail: "indent value must be a positive integer"},
		{text: `{{ indent "2" "x" }}`, fail: "expected integer"},
		{text: `{{ indent (parseInt "2") "x" }}`, fail: "wrong type for value; expected int; got int64"},
		{text: `{{ indent 99999999999 "x" }}`, fail: "indent: the result would be larger than 64 MiB"},
		{text: `{{ join "-" (split "," "a,b,c") }}{{ join "," nil }}`, want: "a-b-c"},
		{text: `{{ join "," (sprig_list "a") }}`, fail: "expected []string; got []interface {}"},
		{text: `{{ join "," "a" }}`, fail: `can't handle "a" for arg of type []string`},
		{text: `{{ replaceAll "a" "ä" "banana" }} {{ replaceAll "" "-" "ab" }} {{ "x" | replaceAll "y" "z" }}`, want: "bänänä -a-b- x"},
		{text: `{{ split "," "  a, b ,\n" | toJSON }} {{ split "," " \t" | toJSON }} {{ split "" "aß" | toJSON }} {{ split "," "," | len }}`,
			want: `["a"," b ",""] [] ["a","ß"] 2`},
		{text: `{{ split "," 3 }}`, fail: "expected string; found 3"},
		{text: `{{ split "," nil }}`, fail: "cannot assign nil to string"},
		{text: `{{ splitToMap ";" "=" " a=1;b;c=2=3;=x;a=4 " }} {{ splitToMap ";" "=" "" | toJSON }}`, want: "map[:x a:4 c:2=3] {}"},
		{text: `{{ toLower "ÄbC" }} {{ toUpper "straße é" }} {{ toTitle "mc'donald el-niño ǆ 3rd äH" }}`, want: "äbc STRAßE É Mc'donald El-Niño ǅ 3Rd ÄH"},
		{text: `{{ trim "xy" "xyaxyx" }} {{ trim "é" "éaé" }}{{ trim "" " a" }}`, want: "a a a"},
		{text: `{{ trimPrefix "a" "aab" }} {{ trimSuffix "b" "abb" }} {{ "\u2003x\n" | trimSpace }}`, want: "ab ab x"},
		{text: `{{ trim "x" }}`, fail: "wrong number of args for trim: want 2 got 1"},
	})
}

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

func FuzzIndent(f *testing.F) {
	f.Add(2, "a\n\nb\n")
	f.Add(0, "")
	f.Fuzz(func(t *testing.T, spaces int, s string) {
		spaces %= 100
		got, err := indent(spaces, s)
		if (err != nil) != (spaces < 0) {
			t.Fatalf("indent %d: error %v", spaces, err)
		}
		if err != nil {
			return
		}
		lines := strings.Split(s, "\n")
		for i, line := range strings.Split(got, "\n") {
			want := lines[i]
			if want != "" {
				want = strings.Repeat(" ", spaces) + want
			}
			if line != want {
				t.Fatalf("indent %d %q: line %d is %q", spaces, s, i, line)
			}
		}
	})
}
