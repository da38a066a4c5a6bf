package pure

import "testing"

func TestMergeMap(t *testing.T) {
	const maps = `{{ $d := parseJSON "{\"a\":1,\"n\":{\"x\":1,\"l\":[1]},\"e\":\"\"}" }}{{ $s := parseJSON "{\"a\":2,\"b\":3,\"n\":{\"x\":9,\"y\":2,\"l\":[2]},\"e\":\"full\"}" }}`
	runPureTests(t, []pureTest{
		{text: maps + `{{ mergeMap $d $s | toJSON }}`, want: `{"a":1,"b":3,"e":"full","n":{"l":[1],"x":1,"y":2}}`},
		{text: maps + `{{ $s | mergeMap $d | len }} {{ toJSON $d }} {{ toJSON $s.n }}`, want: `4 {"a":1,"b":3,"e":"full","n":{"l":[1],"x":1,"y":2}} {"l":[2],"x":9,"y":2}`},
		{text: maps + `{{ mergeMapWithOverride $d $s | toJSON }}`, want: `{"a":2,"b":3,"e":"full","n":{"l":[2],"x":9,"y":2}}`},
		{text: maps + `{{ mergeMapWithOverride $s $d | toJSON }}`, want: `{"a":1,"b":3,"e":"","n":{"l":[1],"x":1,"y":2}}`},
		{text: maps + `{{ mergeMap $d $d | toJSON }}`, want: `{"a":1,"e":"","n":{"l":[1],"x":1}}`},
		{text: `{{ mergeMap (sprig_dict) (sprig_dict) | toJSON }} {{ mergeMap (parseJSON "") (sprig_dict "a" nil) | toJSON }}`, want: `{} {}`},
		{text: `{{ mergeMap (sprig_dict "a" 1) "x" }}`, fail: `can't handle "x" for arg of type map[string]interface {}`},
		{text: `{{ mergeMap (parseYAML "a: 1") (sprig_dict) }}`, fail: "expected map[string]interface {}; got map[interface {}]interface {}"},
		{text: `{{ mergeMap (sprig_dict) }}`, fail: "wrong number of args for mergeMap: want at least 2 got 1"},
		{text: `{{ mergeMapWithOverride (sprig_dict) (sprig_dict) nil }}`, fail: "want 2 got 3"},
	})
}

// To print a map that contains itself overflows the stack, which no recover
// stops.
func TestMapsDoNotContainThemselves(t *testing.T) {
	const d = `{{ $n := sprig_dict "x" 1 }}{{ $d := sprig_dict "n" $n "l" (sprig_list 1) }}`
	const refused = "a map must not contain itself"
	runPureTests(t, []pureTest{
		{text: d + `{{ sprig_set $d "d" $d }}`, fail: refused},
		{text: d + `{{ sprig_set $n "d" (sprig_list 1 (sprig_dict "deep" $d)) }}`, fail: refused},
		{text: d + `{{ sprig_set $d "d" (sprig_chunk 1 (sprig_list $d)) }}`, fail: refused},
		{text: d + `{{ mergeMap $d (sprig_dict "d" $d) }}`, fail: refused},
		{text: d + `{{ mergeMap $d (sprig_dict "n" (sprig_dict "loop" $n)) }}`, fail: refused},
		{text: d + `{{ mergeMapWithOverride $d (sprig_dict "l" (sprig_list $d)) }}`, fail: refused},
		{text: d + `{{ sprig_merge $d (sprig_dict "a" 1) (sprig_dict "d" $d) }}`, fail: refused},
		{text: d + `{{ sprig_merge (sprig_dict) (sprig_dict "n" $n) (sprig_dict "n" (sprig_dict "loop" $n)) }}`, fail: refused},
		{text: d + `{{ $l := sprig_list 1 $d }}{{ sprig_set $d "l" (sprig_list (slice $l 0 1) $l) }}`, fail: refused},
		{text: d + `{{ sprig_mergeOverwrite $d (sprig_dict "n" $d) }}`, fail: refused},
		{text: d + `{{ sprig_mustMerge $d (sprig_dict "d" (sprig_list $d)) }}`, fail: refused},
		{text: d + `{{ sprig_mustMergeOverwrite $d (sprig_dict "n" (sprig_dict "x" $n)) }}`, fail: refused},
	})
	runPureTests(t, []pureTest{
		{text: `{{ $m := sprig_dict }}{{ explodeMap (sprig_dict "a" $m "a/b" (sprig_list $m)) }}`, fail: refused},
	})
	runPureTests(t, []pureTest{
		// The same twice is no cycle, nor is a map that is merged with itself.
		{text: d + `{{ sprig_set $d "m" $n }} {{ sprig_set $d "o" (sprig_list $n $n) }}`, want: "map[l:[1] m:map[x:1] n:map[x:1]] map[l:[1] m:map[x:1] n:map[x:1] o:[map[x:1] map[x:1]]]"},
		{text: d + `{{ mergeMap $d $d }} {{ sprig_merge $d $d $d }}`, want: "map[l:[1] n:map[x:1]] map[l:[1] n:map[x:1]]"},
		{text: d + `{{ mergeMap $d (sprig_dict "n" (sprig_dict "y" 2) "m" (sprig_list $n)) }}`, want: "map[l:[1] m:[map[x:1 y:2]] n:map[x:1 y:2]]"},
		{text: d + `{{ sprig_merge (sprig_dict) $d (sprig_dict "l" 2 "z" 3) }} {{ sprig_merge $n }}`, want: "map[l:[1] n:map[x:1] z:3] map[x:1]"},
	})
}
