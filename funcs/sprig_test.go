package funcs

import (
	"regexp"
	"testing"
)

// One or two of each kind: what they do is the library's business, that they
// are there, with the right types, is ours.
func TestSprig(t *testing.T) {
	runPureTests(t, []pureTest{
		{text: `{{ sprig_upper "é" }} {{ "a b" | sprig_title }} {{ sprig_trunc -2 "abc" }} {{ sprig_quote 1 nil "x" }} {{ sprig_snakecase "FooBar" }}`, want: `É A B bc "1" "x" foo_bar`},
		{text: `{{ sprig_add 1 "2" 3.9 }} {{ sprig_div 7 2 }} {{ sprig_addf 0.1 0.2 }} {{ sprig_round 2.567 1 }} {{ sprig_max 1 5 3 }}`, want: "6 3 0.3 2.6 5"},
		{text: `{{ sprig_default "d" "" }} {{ sprig_coalesce 0 "" "x" }} {{ sprig_ternary 1 2 false }} {{ sprig_empty (sprig_list) }}`, want: "d x 2 true"},
		{text: `{{ sprig_list 1 2 | sprig_first }} {{ sprig_concat (sprig_list 1) (sprig_list 2) }} {{ sprig_without (sprig_list 1 2) 1 }} {{ sprig_chunk 2 (sprig_until 3) }}`, want: "1 [1 2] [2] [[0 1] [2]]"},
		{text: `{{ $d := sprig_dict "a" 1 }}{{ sprig_set $d "b" 2 }} {{ sprig_get $d "b" }} {{ sprig_unset $d "a" }} {{ sprig_dig "b" "c" 7 (sprig_dict "b" (sprig_dict)) }} {{ sprig_pick $d "b" }}`, want: "map[a:1 b:2] 2 map[b:2] 7 map[b:2]"},
		{text: `{{ sprig_b64enc "é" }} {{ sprig_toJson (sprig_dict "a" "<") }} {{ sprig_toRawJson "<" }} {{ (sprig_fromJson "{\"a\":1}").a }} {{ sprig_sha1sum "" }}`, want: `w6k= {"a":"\u003c"} "<" 1 da39a3ee5e6b4b0d3255bfef95601890afd80709`},
		{text: `{{ sprig_kindOf 1.5 }} {{ sprig_typeOf (sprig_list) }} {{ sprig_base "/a/b.c" }} {{ sprig_semverCompare ">=1.2" "1.3.0" }} {{ sprig_duration "90" }}`, want: "float64 []interface {} b.c true 1m30s"},
		{text: `{{ sprig_merge (sprig_dict "a" 1) (sprig_dict "a" 2 "b" 3) }} {{ sprig_mergeOverwrite (sprig_dict "a" 1) (sprig_dict "a" 2) }} {{ sprig_mustMerge (sprig_dict) nil | toJSON }}`, want: "map[a:1 b:3] map[a:2] {}"},
		{text: `{{ sprig_fail "no" }}`, fail: "error calling sprig_fail: no"},
		{text: `{{ sprig_set nil "a" 1 }}`, fail: "assignment to entry in nil map"},
	})
}

// A number alone must not cost the daemon its memory.
func TestSprigBounds(t *testing.T) {
	const tooLarge = "the result would be larger than 64 MiB"
	const overflow = "the numbers are too large"
	runPureTests(t, []pureTest{
		{text: `{{ sprig_repeat 3 "é" }}{{ sprig_repeat 0 "x" }}{{ sprig_repeat 99999999999 "" }} {{ sprig_indent 2 "a\n\nb" }} {{ sprig_nindent 1 "a" }}`, want: "ééé   a\n  \n  b \n a"},
		{text: `{{ sprig_until 3 }} {{ sprig_until -2 }} {{ sprig_until 0 }} {{ sprig_untilStep 5 0 -2 }} {{ sprig_untilStep 0 5 -1 }} {{ sprig_untilStep 0 7 3 }} {{ sprig_untilStep 1 2 0 }} {{ sprig_untilStep 2 1 0 }}`,
			want: "[0 1 2] [0 -1] [] [5 3 1] [] [0 3 6] [] []"},
		{text: `{{ sprig_seq 3 }}|{{ sprig_seq -1 }}|{{ sprig_seq 5 3 }}|{{ sprig_seq 0 2 5 }}|{{ sprig_seq 5 -2 0 }}|{{ sprig_seq 5 2 0 }}|{{ sprig_seq }}|{{ sprig_seq 1 2 3 4 }}|{{ sprig_seq 1 0 3 }}`,
			want: "1 2 3|1 0 -1|5 4 3|0 2 4|5 3 1||||"},
		{text: `{{ sprig_repeat -1 "x" }}`, fail: "strings: negative Repeat count"},
		{text: `{{ sprig_repeat 999999999 "x" }}`, fail: "sprig_repeat: " + tooLarge},
		{text: `{{ sprig_repeat 9223372036854775807 "xx" }}`, fail: tooLarge},
		{text: `{{ sprig_indent 99999999999 "x" }}`, fail: "sprig_indent: " + tooLarge},
		{text: `{{ sprig_nindent 99999999 "x\nx\nx\nx" }}`, fail: "sprig_nindent: " + tooLarge},
		{text: `{{ sprig_until 9999999999 }}`, fail: tooLarge},
		{text: `{{ sprig_until -9223372036854775808 }}`, fail: overflow},
		{text: `{{ sprig_untilStep 0 9223372036854775807 9223372036854775806 }}`, fail: overflow},
		{text: `{{ sprig_untilStep 0 -9223372036854775808 -9223372036854775808 }}`, fail: overflow},
		{text: `{{ sprig_untilStep -9223372036854775808 9223372036854775800 1 }}`, fail: tooLarge},
		{text: `{{ sprig_untilStep -9223372036854775808 9000000000000000000 4611686018427387904 }}`, fail: overflow},
		{text: `{{ sprig_seq 99999999 }}`, fail: "sprig_seq: " + tooLarge},
		{text: `{{ sprig_seq 0 -99999999 }}`, fail: "sprig_seq: " + tooLarge},
		{text: `{{ sprig_seq 0 1 99999999 }}`, fail: "sprig_seq: " + tooLarge},
	})
}

// slowFunctions are those that a fuzzer had better leave alone.
var slowFunctions = regexp.MustCompile(`gen[A-Z]|bcrypt|htpasswd|derivePassword|plugin|sockaddr|\d{4}`)
