package pure

import "testing"

func TestMath(t *testing.T) {
	runPureTests(t, []pureTest{
		{text: `{{ 10 | add 4 }} {{ 10 | subtract 4 }} {{ 10 | multiply 4 }} {{ 10 | divide 4 }} {{ 10 | modulo 4 }}`, want: "14 6 40 2 2"},
		{text: `{{ -7 | divide 2 }} {{ -7 | modulo 3 }} {{ 7 | modulo -3 }} {{ 7 | divide 2.0 }} {{ 0.1 | add 0.2 }}`, want: "-3 -1 1 3.5 0.30000000000000004"},
		{text: `{{ printf "%T %T %T %T" (add 1 2) (add (parseUint "1") (parseUint "2")) (add 1 (parseUint "2")) (add 1.0 (parseUint "2")) }}`, want: "int64 uint64 int64 float64"},
		{text: `{{ add 1 9223372036854775807 }} {{ multiply 2 4611686018427387904 }} {{ subtract (parseUint "1") (parseUint "0") }}`,
			want: "-9223372036854775808 -9223372036854775808 18446744073709551615"},
		{text: `{{ add (parseUint "18446744073709551615") 1 }} {{ divide -1 (parseUint "18446744073709551615") }} {{ divide -1 -9223372036854775808 }}`,
			want: "0 1 -9223372036854775808"},
		{text: `{{ divide 0.0 1 }} {{ divide 0 -1.5 }} {{ divide 0.0 0 }} {{ modulo -1 -9223372036854775808 }}`, want: "+Inf -Inf NaN 0"},
		{text: `{{ minimum 3 2 }} {{ maximum 3 2 }} {{ minimum 3 2.5 }} {{ maximum (parseUint "3") -2 }} {{ printf "%T" (maximum (parseUint "3") -2) }}`, want: "2 3 2.5 3 uint64"},
		{text: `{{ printf "%T %T %T" (minimum 1 1.0) (maximum 1.0 1) (minimum (parseUint "1") 1) }}`, want: "int64 float64 uint64"},
		{text: `{{ minimum (parseFloat "NaN") 1 }} {{ maximum 1 (parseFloat "NaN") }}`, want: "NaN 1"},
		{text: `{{ minimum (parseUint "18446744073709551615") 1 }}`, want: "18446744073709551615"},
		{text: `{{ add 1 'a' }} {{ add "x" 1 }}`, fail: `add: unknown type for "x" (string)`},
		{text: `{{ divide 0 1 }}`, fail: "error calling divide: runtime error: integer divide by zero"},
		{text: `{{ modulo (parseUint "0") (parseUint "7") }}`, fail: "runtime error: integer divide by zero"},
		{text: `{{ modulo 2 7.0 }}`, fail: `modulo: unknown type for %!q(float64=7) (float64)`},
		{text: `{{ modulo 2.0 7 }}`, fail: `modulo: unknown type for %!q(float64=2) (float64)`},
		{text: `{{ subtract "b" "a" }}`, fail: `subtract: unknown type for "a" (string)`},
		{text: `{{ multiply true 2 }}`, fail: "multiply: unknown type for %!q(bool=true) (bool)"},
		{text: `{{ minimum nil 2 }}`, fail: "minimum: unknown type for <invalid reflect.Value> (<nil>)"},
		{text: `{{ maximum 2 1i }}`, fail: "maximum: unknown type for"},
		{text: `{{ add 1 }}`, fail: "wrong number of args for add: want 2 got 1"},
	})
}

func TestNumbers(t *testing.T) {
	runPureTests(t, []pureTest{
		{text: `{{ parseInt "-12" }} {{ parseInt "" }} {{ parseInt "+7" }} {{ parseUint "18446744073709551615" }} {{ parseUint "" }}`, want: "-12 0 7 18446744073709551615 0"},
		{text: `{{ parseFloat "1e3" }} {{ parseFloat "" }} {{ parseFloat "-inf" }} {{ parseFloat "0x1p-2" }}`, want: "1000 0 -Inf 0.25"},
		{text: `{{ parseBool "T" }} {{ parseBool "0" }} {{ parseBool "" }} {{ if parseBool "false" }}x{{ end }}`, want: "true false false "},
		{text: `{{ printf "%T %T %T %T" (parseInt "1") (parseUint "1") (parseFloat "1") (parseBool "1") }}`, want: "int64 uint64 float64 bool"},
		{text: `{{ parseInt "1.5" }}`, fail: `"1.5" is not a whole number`},
		{text: `{{ parseInt " 1" }}`, fail: `" 1" is not a whole number`},
		{text: `{{ parseInt "9223372036854775808" }}`, fail: "is out of range"},
		{text: `{{ parseInt 1 }}`, fail: "expected string; found 1"},
		{text: `{{ parseUint "-1" }}`, fail: `"-1" is not a whole number of 0 or more`},
		{text: `{{ parseFloat "1,5" }}`, fail: `"1,5" is not a number`},
		{text: `{{ parseFloat "1e999" }}`, fail: "is out of range"},
		{text: `{{ parseBool "on" }}`, fail: `"on" is not true or false`},
	})
}
