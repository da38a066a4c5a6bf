package pure

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestBase64(t *testing.T) {
	runPureTests(t, []pureTest{
		{text: `{{ base64Encode "ü?>\x00" }} {{ base64URLEncode "ü?>\x00" }} {{ base64Encode "" }}`, want: "w7w/PgA= w7w_PgA= "},
		{text: `{{ base64Decode "w7w/Pg==" }} {{ base64URLDecode "w7w_Pg==" }} {{ base64Decode "" }}`, want: "ü?> ü?> "},
		{text: `{{ base64Decode "w7w_Pg==" }}`, fail: "base64Decode: illegal base64 data at input byte 3"},
		{text: `{{ base64Decode "YQ" }}`, fail: "base64Decode: illegal base64 data at input byte 0"},
		{text: `{{ base64URLDecode "%" }}`, fail: "base64URLDecode: illegal base64 data at input byte 0"},
		{text: `{{ base64Encode 7 }}`, fail: "expected string; found 7"},
	})
}

func TestJSON(t *testing.T) {
	runPureTests(t, []pureTest{
		{text: `{{ parseJSON "{\"b\":[1,null,true],\"a\":\"é\"}" }} {{ (parseJSON "{\"a\":{\"b\":7}}").a.b }}`, want: "map[a:é b:[1 <nil> true]] 7"},
		{text: `{{ parseJSON "" | toJSON }} {{ parseJSON " 1e3 " }} {{ parseJSON "null" }} {{ parseJSON "12345678" }}`, want: "{} 1000 <no value> 1.2345678e+07"},
		{text: `{{ parseJSON "{\"a\":1}{}" }}`, fail: `not valid JSON: line 1, column 8: unexpected "{"`},
		{text: `{{ parseJSON "{" }}`, fail: "error calling parseJSON: not valid JSON: line 1, column 1: unexpected end"},
		{text: `{{ parseJSON "1e999" }}`, fail: "cannot unmarshal number 1e999"},
		{text: `{{ parseJSON nil }}`, fail: "cannot assign nil to string"},
		{text: `{{ toJSON (sprig_dict "z" 1 "a" (sprig_list "<&>" 1.0 1e21 nil)) }}`, want: `{"a":["\u003c\u0026\u003e",1,1e+21,null],"z":1}`},
		{text: `{{ toUnescapedJSON "<&>\u2028" }} {{ toJSON "é\x7f\xff" }} {{ toJSON nil }}`, want: "\"<&>\\u2028\" \"é\x7f\\ufffd\" null"},
		{text: `{{ toJSONPretty (sprig_dict "a" (sprig_list 1 "<") "b" (sprig_dict)) }}`, want: "{\n  \"a\": [\n    1,\n    \"\\u003c\"\n  ],\n  \"b\": {}\n}"},
		{text: `{{ toUnescapedJSONPretty (sprig_dict "a" (sprig_list 1 "<")) }}|`, want: "{\n  \"a\": [\n    1,\n    \"<\"\n  ]\n}|"},
		{text: `{{ toJSON (parseYAML "a: 1") }}`, fail: "toJSON: json: unsupported type: map[interface {}]interface {}"},
		{text: `{{ toJSONPretty (parseFloat "NaN") }}`, fail: "toJSONPretty: json: unsupported value: NaN"},
		{text: `{{ toUnescapedJSON 1i }}`, fail: "toUnescapedJSON: json: unsupported type: complex128"},
		{text: `{{ toUnescapedJSONPretty (parseYAML "a: 1") }}`, fail: "toUnescapedJSONPretty: json: unsupported type"},
	})
}

func TestYAML(t *testing.T) {
	runPureTests(t, []pureTest{
		{text: `{{ parseYAML "a: [1, 2.5, x]\nb: {on: ~, 7: 0o7}\n" }} {{ parseYAML "" | toJSON }} {{ parseYAML "2024-02-29" }}`, want: "map[a:[1 2.5 x] b:map[7:7 true:<nil>]] {} 2024-02-29"},
		{text: `{{ (parseYAML "a: {b: [c]}").a.b }} {{ index (parseYAML "- x\n- z") 1 }} {{ parseYAML "# nothing" }}`, want: "[c] z <no value>"},
		{text: `{{ parseYAML "a: [" }}`, fail: "not valid YAML: line 1: did not find expected node content"},
		{text: `{{ parseYAML "a: 1\na: 2" }}`, want: "map[a:2]"},
		{text: `{{ parseYAML "\tx" }}`, fail: "found character that cannot start any token"},
		{text: `{{ toYAML (sprig_dict "b" (sprig_list 1 (sprig_dict "x" "y" "z" nil)) "a10" "yes" "a9" "1" "B" (sprig_dict)) }}`,
			want: "B: {}\na9: \"1\"\na10: \"yes\"\nb:\n- 1\n- x: \"y\"\n  z: null"},
		{text: `{{ toYAML "" }} {{ toYAML nil }} {{ toYAML 1e21 }} {{ toYAML "é: x" }} {{ toYAML "two\nlines" }}`, want: "\"\" null 1e+21 'é: x' |-\n  two\n  lines"},
		{text: `{{ toYAML (sprig_repeat 20 "word ") }}`, want: "'word word word word word word word word word word word word word word word word word\n  word word word '"},
		{text: `{{ toYAML 1i }}`, fail: "cannot marshal type: complex128"},
	})
}

// Large floats are written in full, as consul-template's version of the
// library does and later ones do not.
func TestTOML(t *testing.T) {
	runPureTests(t, []pureTest{
		{text: `{{ toTOML (parseJSON "{\"n\":1234567,\"big\":1e21,\"small\":1e-9,\"s\":\"é\\n\\\"\"}") }}`,
			want: "big = 1000000000000000000000.0\nn = 1234567.0\ns = \"é\\n\\\"\"\nsmall = 0.000000001"},
		{text: `{{ toTOML (sprig_dict "t" (sprig_dict "a b" 1 "u" (sprig_dict "x" true)) "l" (sprig_list (sprig_dict "k" 1) (sprig_dict "k" 2)) "z" (sprig_list 1 2)) }}`,
			want: "z = [1, 2]\n\n[[l]]\n  k = 1\n\n[[l]]\n  k = 2\n\n[t]\n  \"a b\" = 1\n  [t.u]\n    x = true"},
		{text: `{{ toTOML (sprig_dict) }}|{{ toTOML "x" }}`, want: `|"x"`},
		{text: `{{ toTOML (sprig_dict "a" (sprig_list 1 "x")) }}`, want: `a = [1, "x"]`},
		{text: `{{ toTOML nil }}`, fail: "toTOML: "},
		{text: `{{ toTOML (parseYAML "1: x") }}`, fail: "toTOML: "},
	})
}

// The sums are those of the shell's sha256sum, md5sum and openssl.
func TestHash(t *testing.T) {
	runPureTests(t, []pureTest{
		{text: `{{ sha256Hex "restencil" }}`, want: "7cac2ace5d855054b1d0403c01385612d6ea3831815506c8a3c371969cad4eee"},
		{text: `{{ md5sum "é" }} {{ md5sum "" }}`, want: "66ddcd97cfdeabb2f6fb8a999b4bc76f d41d8cd98f00b204e9800998ecf8427e"},
		{text: `{{ hmacSHA256Hex "message" "secret" }} {{ "secret" | hmacSHA256Hex "" }}`, want: "8b5f48702995c1598c573db1e21866a9b825d4a794d169d7060a03605796360b f9e66e179b6747ae54108f82f8ade8b3c25d76fd30afde6c395822c530196169"},
		{text: `{{ sha256Hex 1 }}`, fail: "expected string; found 1"},
		{text: `{{ hmacSHA256Hex "message" }}`, fail: "wrong number of args for hmacSHA256Hex: want 2 got 1"},
	})
}

func FuzzJSON(f *testing.F) {
	for _, s := range []string{"", "{}", `[1,{"a":null}]`, `"é\u2028<"`, "1e400", "{"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := decoder(json.Unmarshal)(s)
		if err != nil {
			return
		}
		for _, write := range []func(any) ([]byte, error){jsonMarshal("", true), jsonMarshal("", false), jsonMarshal("  ", true)} {
			out, err := encoder("", write)(v)
			if err != nil {
				t.Fatalf("%q: %v", s, err)
			}
			if !json.Valid([]byte(out)) || out != strings.TrimSpace(out) {
				t.Fatalf("%q became %q", s, out)
			}
		}
	})
}
