package quick

import (
	"reflect"
	"strings"
)

// pure tells whether a function gives the same for the same arguments, and does
// nothing else. Functions that it does not know are called each time: those that
// ask a store or read the environment, the time or a file; those that change
// something, or draw lots; and those that go through a map in no certain order.
func pure(name string) bool { return strings.Contains(pureFunctions, " "+name+" ") }

// define is what packages funcs puts at the end of actions, to weigh values.
const pureFunctions = ` define ` +
	`add base64Decode base64Encode base64URLDecode base64URLEncode contains containsAll containsAny containsNone ` +
	`containsNotAll divide hmacSHA256Hex html in indent join js maximum md5sum minimum modulo multiply parseBool ` +
	`parseFloat parseInt parseJSON parseUint print printf println regexMatch regexReplaceAll replaceAll sha256Hex ` +
	`split splitToMap subtract toJSON toJSONPretty toLower toTitle toUpper trim trimPrefix trimSpace trimSuffix urlquery ` +

	`sprig_abbrev sprig_abbrevboth sprig_add sprig_add1 sprig_add1f sprig_addf sprig_adler32sum sprig_all sprig_any ` +
	`sprig_append sprig_atoi sprig_b32dec sprig_b32enc sprig_b64dec sprig_b64enc sprig_base sprig_biggest ` +
	`sprig_camelcase sprig_cat sprig_ceil sprig_chunk sprig_clean sprig_coalesce sprig_compact sprig_concat ` +
	`sprig_contains sprig_default sprig_dict sprig_dir sprig_div sprig_divf sprig_duration sprig_empty sprig_ext ` +
	`sprig_first sprig_float64 sprig_floor sprig_fromJson sprig_get sprig_has sprig_hasKey sprig_hasPrefix ` +
	`sprig_hasSuffix sprig_indent sprig_initial sprig_initials sprig_int sprig_int64 sprig_isAbs sprig_join ` +
	`sprig_kebabcase sprig_kindIs sprig_kindOf sprig_last sprig_list sprig_lower sprig_max sprig_maxf sprig_min ` +
	`sprig_minf sprig_mod sprig_mul sprig_mulf sprig_nindent sprig_nospace sprig_plural sprig_prepend sprig_push ` +
	`sprig_quote sprig_regexFind sprig_regexFindAll sprig_regexMatch sprig_regexQuoteMeta sprig_regexReplaceAll ` +
	`sprig_regexReplaceAllLiteral sprig_regexSplit sprig_repeat sprig_replace sprig_rest sprig_reverse sprig_round ` +
	`sprig_semverCompare sprig_seq sprig_sha1sum sprig_sha256sum sprig_sha512sum sprig_slice sprig_snakecase ` +
	`sprig_sortAlpha sprig_split sprig_splitList sprig_splitn sprig_squote sprig_sub sprig_subf sprig_substr ` +
	`sprig_swapcase sprig_ternary sprig_title sprig_toDecimal sprig_toJson sprig_toPrettyJson sprig_toRawJson ` +
	`sprig_toString sprig_toStrings sprig_trim sprig_trimAll sprig_trimPrefix sprig_trimSuffix sprig_trimall ` +
	`sprig_trunc sprig_tuple sprig_typeIs sprig_typeOf sprig_uniq sprig_until sprig_untilStep sprig_untitle ` +
	`sprig_upper sprig_without sprig_wrap sprig_wrapWith `

// keep returns e, whose value is always the same, so that it is found out once
// where it is text, a number or a boolean, and not too long.
func keep(e expr) expr {
	e.fixed = true
	k := &kept{value: e.value}
	switch e.typed.(type) {
	case func(*state) string:
		return expr{fixed: true, value: k.get, boxed: k.box, typed: func(s *state) string { return k.get(s).String() }}
	case func(*state) any:
		return expr{fixed: true, value: k.get, boxed: k.box, typed: k.box}
	case func(*state) bool:
		return expr{fixed: true, value: k.get, boxed: k.box, typed: func(s *state) bool { return k.get(s).Bool() }}
	case func(*state) int, func(*state) int64, func(*state) float64:
		return expr{fixed: true, value: k.get, boxed: k.box}
	}
	return e
}

// A kept is what keep has found out.
type kept struct {
	value func(*state) reflect.Value
	found reflect.Value // once it is known
	boxes any
}

func (k *kept) get(s *state) reflect.Value {
	if k.found.IsValid() {
		return k.found
	}
	v := k.value(s)
	if plain(v) {
		k.found, k.boxes = v, v.Interface()
	}
	return v
}

func (k *kept) box(s *state) any {
	v := k.get(s)
	if k.found.IsValid() {
		return k.boxes
	}
	return toAny(v)
}

// plain tells whether v is a value that nobody can change.
func plain(v reflect.Value) bool {
	if !v.IsValid() {
		return false
	}
	switch x := v.Interface().(type) {
	case string:
		return len(x) <= maxKept
	case bool, int, int64, uint64, float64:
		return true
	default:
		return false
	}
}
