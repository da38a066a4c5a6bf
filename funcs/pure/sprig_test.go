package pure

import "testing"

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
