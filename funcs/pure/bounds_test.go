package pure

import "testing"

// What would be too large comes to an error before it is made: a number alone must not cost the daemon its memory.
func TestBounds(t *testing.T) {
	const big = `{{ $big := sprig_repeat 500000 "a\n" }}`
	const tooLarge = "the result would be larger than 64 MiB"
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
		{text: `{{ sprig_until -9223372036854775808 }}`, fail: tooLarge},
		{text: `{{ sprig_untilStep 0 9223372036854775807 9223372036854775806 }}`, fail: tooLarge},
		{text: `{{ sprig_untilStep 0 -9223372036854775808 -9223372036854775808 }}`, fail: tooLarge},
		{text: `{{ sprig_untilStep -9223372036854775808 9223372036854775800 1 }}`, fail: tooLarge},
		{text: `{{ sprig_untilStep -9223372036854775808 9000000000000000000 4611686018427387904 }}`, fail: tooLarge},
		{text: `{{ sprig_seq 99999999 }}`, fail: "sprig_seq: " + tooLarge},
		{text: `{{ sprig_seq 0 -99999999 }}`, fail: "sprig_seq: " + tooLarge},
		{text: `{{ sprig_seq 0 1 99999999 }}`, fail: "sprig_seq: " + tooLarge},
		{text: `{{ indent 99999999999 "x" }}`, fail: "indent: " + tooLarge},
		{text: big + `{{ indent 999 $big }}`, fail: "indent: " + tooLarge},
		{text: big + `{{ replaceAll "a" $big $big }}`, fail: "replaceAll: " + tooLarge},
		{text: big + `{{ sprig_replace "a" $big $big }}`, fail: "sprig_replace: " + tooLarge},
		{text: big + `{{ join $big (split "a" $big) }}`, fail: "join: " + tooLarge},
		{text: big + `{{ sprig_join $big (sprig_splitList "a" $big) }}`, fail: "sprig_join: " + tooLarge},
		{text: big + `{{ replaceAll "x" $big $big | len }} {{ sprig_join $big "a" }} {{ sprig_join $big nil }} {{ sprig_join "," (sprig_list 1 "b") }}`, want: "1000000 a  1,b"},
	})
}
