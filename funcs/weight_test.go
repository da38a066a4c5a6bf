package funcs

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
)

// What would be too large comes to an error before it is made.
func TestLargeTexts(t *testing.T) {
	data := map[string]string{
		"big": strings.Repeat("ab", maxResult*2/3/2),
		"mid": strings.Repeat("ab", 1<<18),
	}
	for _, expr := range []string{
		`print .big .big`,
		`println .big .big`,
		`printf "%s%s" .big .big`,
		`printf "%[1]s%[1]s" .big`,
		`printf .big .big`,
		`printf (sprig_repeat 999 "%999999d") 1`,
		`printf (sprig_repeat 999 "%*d") 1`,
		`printf (sprig_repeat 999 "%.999999f") 1.5`,
		`html .big .big`,
		`js .big .big`,
		`urlquery .big .big`,
		`spew_sprintf "%s%s" .big .big`,
		`spew_sdump .big .big`,
		`spew_dump .big .big`,
		`spew_printf "%[1]s%[1]s" .big`,
		`replaceAll "" .mid .mid`,
		`sprig_replace "a" .mid .mid`,
		`join .mid (split "a" .mid)`,
		`join "" (sprig_toStrings (sprig_list .big .big))`,
		`sprig_join .mid (sprig_splitList "" .mid)`,
		`sprig_join "" (sprig_list .big .big)`,
		`sprig_cat .big .big`,
		`sprig_quote .big .big`,
		`sprig_squote .big .big`,
		`regexReplaceAll "b" .mid .mid`,
		`regexReplaceAll ".+" (sprig_repeat 200 "$0") .mid`,
		`sprig_regexReplaceAll "b" .mid .mid`,
		`sprig_mustRegexReplaceAll "b" .mid .mid`,
		`sprig_regexReplaceAllLiteral "b" .mid .mid`,
		`sprig_mustRegexReplaceAllLiteral "b" .mid .mid`,
		`sprig_regexQuoteMeta .big`,
		`sprig_wrapWith 1 .mid .mid`,
		`indent 999 (replaceAll "a" "a\n" .mid)`,
		`sprig_indent 999 (replaceAll "a" "a\n" .mid)`,
		`sprig_nindent 30000000 .big`,
		`base64Encode .big`,
		`base64URLEncode .big`,
		`sprig_b64enc .big`,
		`sprig_b32enc .big`,
		`sprig_encryptAES "k" .big`,
		`split "" .big`,
		`sprig_splitList "" .big`,
		`sprig_split "a" .big`,
		`sprig_splitn "a" -1 .big`,
		`splitToMap "a" "b" .big`,
		`toJSON (sprig_list .big .big)`,
		`toJSONPretty (sprig_list .big .big)`,
		`toUnescapedJSON (sprig_list .big .big)`,
		`toUnescapedJSONPretty (sprig_list .big .big)`,
		`sprig_toJson (sprig_list .big .big)`,
		`sprig_mustToRawJson (sprig_list .big .big)`,
		`toYAML (sprig_list .big .big)`,
		`toTOML (sprig_dict "a" .big "b" .big)`,
		`sprig_dict (sprig_list .big .big) 1`,
	} {
		p, err := parsePage("{{ " + expr + " }}")
		if err != nil {
			t.Errorf("%s: %v", expr, err)
			continue
		}
		before := allocatedBytes()
		err = p.text.Execute(io.Discard, data)
		if err == nil || !strings.Contains(err.Error(), "would be larger than 64 MiB") {
			t.Errorf("%s\nerror %.300v", expr, err)
		}
		if n := (allocatedBytes() - before) >> 20; n > 500 { // the race detector makes much garbage
			t.Errorf("%s\nallocated %d MiB", expr, n)
		}
	}
}

// Values that grow with each round of a loop come to an error, whatever
// writes them out.
func TestGrowingValues(t *testing.T) {
	const (
		tooLarge = "would be larger than 64 MiB"
		tooDeep  = "nested more than 10000 deep"
		list     = `{{ $x := sprig_list 1 }}{{ range loop %d }}{{ $x = %s }}{{ end }}%s`
	)
	for _, tt := range []struct{ text, fail string }{
		{`{{ $x := "ab" }}{{ range loop 60 }}{{ $x = print $x $x }}{{ end }}`, tooLarge},
		{fmt.Sprintf(list, 60, `sprig_concat $x $x`, ``), tooLarge},
		{fmt.Sprintf(list, 60, `sprig_list $x $x`, `{{ $x }}`), tooLarge},
		{fmt.Sprintf(list, 60, `sprig_list $x $x`, `{{ range sprig_list $x }}{{ . }}{{ end }}`), tooLarge},
		{fmt.Sprintf(list, 60, `sprig_list $x $x`, `{{ with sprig_dict "x" $x }}{{ .x }}{{ end }}`), tooLarge},
		{fmt.Sprintf(list, 60, `sprig_list $x $x`, `{{ index (sprig_list $x) 0 }}`), tooLarge},
		{fmt.Sprintf(list, 60, `sprig_list $x $x`, `{{ define "t" }}{{ . }}{{ end }}{{ template "t" $x }}`), tooLarge},
		{fmt.Sprintf(list, 60, `sprig_list $x $x`, `{{ scratch.Set "x" $x }}{{ scratch }}`), tooLarge},
		{fmt.Sprintf(list, 60, `sprig_list $x $x`, `{{ sprig_toStrings $x }}`), tooLarge},
		{fmt.Sprintf(list, 60, `sprig_list $x $x`, `{{ sprig_sortAlpha $x }}`), tooLarge},
		{fmt.Sprintf(list, 60, `sprig_list $x $x`, `{{ sprig_int $x }}`), tooLarge},
		{fmt.Sprintf(list, 60, `sprig_list $x $x`, `{{ sprig_max 1 $x }}`), tooLarge},
		{fmt.Sprintf(list, 60, `sprig_list $x $x`, `{{ sprig_add 1 $x }}`), tooLarge},
		{fmt.Sprintf(list, 60, `sprig_list $x $x`, `{{ sprig_dict $x 1 }}`), tooLarge},
		{fmt.Sprintf(list, 60, `sprig_list $x $x`, `{{ sprig_slice (sprig_list 1) $x }}`), tooLarge},
		{fmt.Sprintf(list, 60, `sprig_list $x $x`, `{{ sprig_mustSlice (sprig_list 1) $x }}`), tooLarge},
		{fmt.Sprintf(list, 60, `sprig_list $x $x`, `{{ sprig_deepCopy $x }}`), tooLarge},
		{fmt.Sprintf(list, 60, `sprig_list $x $x`, `{{ add $x 1 }}`), tooLarge},
		{fmt.Sprintf(list, 60, `sprig_list $x $x`, `{{ explodeMap (sprig_dict "a" $x "a/b" 1) }}`), tooLarge},
		{fmt.Sprintf(list, 60, `sprig_dict "a" $x "b" $x`, `{{ mergeMap (sprig_dict) $x }}`), tooLarge},
		{fmt.Sprintf(list, 60, `sprig_dict "a" $x "b" $x`, `{{ sprig_merge (sprig_dict) $x }}`), tooLarge},
		{fmt.Sprintf(list, 60, `sprig_dict "a" $x "b" $x`, `{{ $x | toJSONPretty }}`), tooLarge},
		{fmt.Sprintf(list, 60, `sprig_dict "a" $x "b" $x`, `{{ $x | sprig_toPrettyJson }}`), tooLarge},
		{fmt.Sprintf(list, 9000, `sprig_list $x`, `{{ len (toJSONPretty $x) }}`), tooLarge},
		{fmt.Sprintf(list, 20000, `sprig_list $x`, `{{ $x }}`), tooDeep},
		{fmt.Sprintf(list, 20000, `sprig_list $x`, `{{ toJSON $x }}`), tooDeep},
		{fmt.Sprintf(list, 20000, `sprig_chunk 1 $x`, `{{ $x }}`), tooDeep},
		{fmt.Sprintf(list, 20000, `sprig_dict "a" $x`, `{{ sprig_deepEqual $x $x }}`), tooDeep},
		{fmt.Sprintf(list, 20000, `sprig_dict "a" $x`, `{{ $_ := sprig_merge $x (sprig_dict) (sprig_dict) }}`), "or be nested more than 10000 deep"},
		{fmt.Sprintf(list, 20000, `sprig_dict "a" $x`, `{{ $_ := sprig_set (sprig_dict) "a" $x }}`), "a map must not contain itself"},
	} {
		_, err := render(tt.text)
		if err == nil || !strings.Contains(err.Error(), tt.fail) {
			t.Errorf("%s\nerror %.300v\nwant  %s", tt.text, err, tt.fail)
		}
	}
}

func allocatedBytes() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
