package compat

import (
	"fmt"
	"regexp"
	"strings"
)

// A kind says what a value is, as far as the generator needs to know.
type kind string

// contains says which kinds another takes beside itself.
var contains = map[kind][]kind{
	"str": {"base64", "json", "yaml", "digits", "decimal", "boolean", "path", "url", "version"},
	"num": {"int", "uint", "float"},
	"seq": {"list", "strs", "ints"},
	"map": {"dict", "smap", "ymap"},
	"any": {"str", "num", "bool", "seq", "map", "number"},
}

// within returns k and every kind that it contains.
func within(k kind) []kind {
	all := []kind{k}
	for _, sub := range contains[k] {
		all = append(all, within(sub)...)
	}
	return all
}

// literals are values that stand in the template.
var literals = map[kind][]string{
	"str":     {`"a"`, `""`, `"Größe 世界"`, `"a,b,,c"`, `"  padded\t\n"`, `"Hello World"`, `"web-1"`, `"10.0.0.1:8080"`, "`raw \\n \"q\"`", `"<a href='x'>&</a>"`, `"b"`, `"one\ntwo\n"`, `"k=v;x=y=z"`, `"%d %s"`, `"100"`, `"\x00\xff"`},
	"sep":     {`","`, `""`, `"="`, `";"`, `"a"`, `" "`, `"\n"`, `"/"`, `"ö"`},
	"base64":  {`"R3LDvMOfZQ=="`, `""`, `"YQ=="`, `"Pz8-Pg=="`, `"Pz8+Pg=="`},
	"json":    {`"{\"a\":1,\"b\":[true,null]}"`, `"[1,2.5,\"x\"]"`, `"{\"n\":{\"x\":{\"y\":\"<&>\"}},\"big\":9007199254740993}"`, `"null"`, `"\"s\""`, `"12345678"`, `""`, `"[]"`},
	"yaml":    {`"a: 1\nb: [x, 1.5, yes]"`, `"- 1\n- two"`, `"{a: {b: c}, 1: 2}"`, `"~"`, `"5"`, `"x"`, `""`},
	"digits":  {`"42"`, `"-7"`, `"0"`, `""`, `"9223372036854775807"`, `"007"`},
	"decimal": {`"1.5"`, `"-0.25"`, `"1e6"`, `""`, `"3"`, `"1e21"`},
	"boolean": {`"true"`, `"0"`, `""`, `"F"`, `"1"`},
	"regex":   {`"a+"`, `"^(\\w+)[ -](\\w+)$"`, `"[^a-z]"`, `""`, `"(?i)WEB|größe"`, `"\\s"`, `"(?P<x>.)"`},
	"repl":    {`"$1"`, `"${x}-"`, `""`, `"<$0>"`, `"ß"`},
	"path":    {`"/a/b/c.txt"`, `"a/../b"`, `""`, `"x.tar.gz"`, `"/"`},
	"url":     {`"http://user@host:80/p?q=1#f"`, `"/only/path"`, `"mailto:a@b"`},
	"version": {`"1.2.3"`, `"v2.0.0-rc.1+b"`, `"1.10"`},
	"layout":  {`"%v"`, `"%s"`, `"%q"`, `"%T"`, `"%5v|"`, `"%d"`, `"%.2f"`, `"%x"`, `"%+v"`, `"%t"`},
	"n":       {"0", "1", "2", "3", "5"},
	"int":     {"0", "1", "-1", "7", "42", "8080", "9007199254740993", "'a'", "0x1f"},
	"float":   {"0.5", "-1.25", "1e3", "3.0", "1e21", "0.1"},
	"small":   {"0.5", "-1.25", "3.0"}, // in the place of an n
	"bool":    {"true", "false"},
	"nil":     {`(parseJSON "null")`, `(index (parseJSON "{}") "a")`},
	"list":    {"(sprig_list)", `(sprig_list 1 "a" 2.5 true)`, `(parseJSON "[3,1,2]")`, `(parseJSON "[\"b\",\"a\",\"b\"]")`, `(parseJSON "[[1],{\"a\":null}]")`},
	"strs":    {`(split "," "b,a,b")`, `(split "," "")`, `(split "" "größe")`},
	"ints":    {"(sprig_until 4)", "(sprig_untilStep 5 0 -2)"},
	"dict":    {`(parseJSON "{\"b\":1,\"a\":{\"x\":[1]}}")`, `(sprig_dict "a" 1 "b" "x")`, `(parseJSON "{}")`, `(sprig_dict "a/b" 1 "c" nil)`},
	"smap":    {`(splitToMap "," ":" "b:1,a:2")`, `(splitToMap "," ":" "")`},
	"ymap":    {`(parseYAML "{b: 1, a: [x, {c: d}], 2: z}")`},
}

// answers are what the templates ask of Consul, of files and of the
// environment. Nothing else is asked, so all of it can be fetched beforehand.
var answers = map[kind][]string{
	"str": {
		`(key "app/name")`, `(key "app/unicode")`, `(key "app/padded")`, `(key "app/lines")`, `(key "app/html")`, `(key "app/quotes")`,
		`(key "app/binary")`, `(key "app/hosts")`, `(key "app/empty")`, `(key "größe/höhe")`, `(keyOrDefault "no/such/key" "default")`,
		`(keyOrDefault "app/empty" "default")`, `(file "files/plain.txt")`, `(env "COMPAT_NAME")`, `(env "COMPAT_NO_SUCH")`, `(envOrDefault "COMPAT_EMPTY" "d")`,
	},
	"base64":  {`(key "app/base64")`},
	"json":    {`(key "app/json")`, `(key "app/json-list")`},
	"yaml":    {`(key "app/yaml")`, `(key "app/yaml-list")`, `(file "files/data.yaml")`},
	"digits":  {`(key "app/port")`, `(key "app/negative")`, `(key "app/big")`, `(env "COMPAT_NUMBER")`},
	"decimal": {`(key "app/ratio")`},
	"boolean": {`(key "app/enabled")`},
	"bool":    {`(keyExists "app/name")`, `(keyExists "no/such/key")`},
	"strs":    {"(datacenters)"},
	"pairs":   {`(ls "app/db")`, `(ls "users")`, `(tree "app/db/")`, `(tree "users")`, `(ls "no/such")`, `(ls "numbers/")`, `(tree "deep")`},
	"services": {
		`(service "web")`, `(service "web|any")`, `(service "primary.web")`, `(service "db")`, `(service "no-such")`, `(service "web|critical,warning")`, `(connect "web")`,
	},
	"snippets": {"(services)"},
	"nodes":    {"(nodes)"},
	"host":     {`(node "web-1")`, `(node "no-such")`},
	"number": { // of Vault, which are text of a type of its own
		`(secret "secret/numbers").Data.data.port`, `(secret "secret/numbers").Data.data.zero`, `(secret "secret/numbers").Data.data.negative`,
		`(secret "secret/numbers").Data.data.ratio`, `(secret "secret/numbers").Data.data.padded`, `(secret "secret/numbers").Data.data.exponent`,
		`(secret "secret/numbers").Data.data.big`, `(secret "secret/numbers").Data.data.huge`, `(secret "kv1/app").Data.number`,
	},
}

// A function is one signature of a function that templates call.
type function struct {
	name   string
	args   []kind
	result kind
}

// functions is the function table. A function that takes its arguments in
// several ways stands there more than once. Not in it are functions whose
// results differ from run to run (spew prints maps in any order), and those that
// ask (see answers).
var functions = parseTable(`
	toLower(str) str, toUpper(str) str, toTitle(str) str, trim(sep str) str, trimPrefix(sep str) str, trimSuffix(sep str) str,
	trimSpace(str) str, replaceAll(sep str str) str, split(sep str) strs, join(sep strs) str, splitToMap(sep sep str) smap,
	indent(n str) str, regexMatch(regex str) bool, regexReplaceAll(regex repl str) str, sha256Hex(str) str, md5sum(str) str,
	hmacSHA256Hex(str str) str, base64Encode(str) base64, base64Decode(base64) str, base64URLEncode(str) base64, base64URLDecode(base64) str,
	print(any) str, print(any any) str, println(any) str, printf(layout any) str, html(any) str, js(str) str, urlquery(str) str,
	len(seq) int, len(str) int, len(map) int, len(pairs) int, len(services) int, index(strs n) str, index(list n) any, index(dict str) any, index(smap str) str,
	index(ymap any) any, slice(str n) str, slice(strs n) strs, slice(list n n) list, not(any) bool, and(any any) any, or(any any) any,
	eq(str str) bool, eq(int int) bool, eq(any any) bool, ne(str str) bool, lt(int int) bool, lt(str str) bool, ge(float float) bool, gt(int uint) bool,

	parseBool(boolean) bool, parseInt(digits) int, parseUint(digits) uint, parseFloat(decimal) float, parseJSON(json) any, parseYAML(yaml) any,
	toJSON(any) json, toJSONPretty(any) json, toUnescapedJSON(any) json, toUnescapedJSONPretty(any) json, toYAML(any) yaml, toTOML(map) str, toTOML(any) str,
	toJSON(pairs) json, toJSON(services) json, toYAML(pairs) yaml, toYAML(services) yaml, toJSONPretty(snippets) json, toJSON(nodes) json, toJSON(host) json,
	add(num num) num, add(int int) int, subtract(num num) num, multiply(num num) num, multiply(float float) float, divide(num num) num, modulo(int int) int,
	minimum(num num) num, maximum(num num) num, add(uint uint) uint,

	in(seq any) bool, in(str str) bool, in(strs str) bool, contains(any seq) bool, contains(str strs) bool, contains(str str) bool,
	containsAll(list seq) bool, containsAny(list seq) bool, containsNone(list seq) bool, containsNotAll(list seq) bool, containsAny(list str) bool,
	explode(pairs) dict, explodeMap(dict) dict, mergeMap(dict dict) dict, mergeMapWithOverride(dict dict) dict,
	byTag(services) grouped, byTag(snippets) grouped, byPort(services) grouped, byKey(pairs) grouped, len(grouped) int,

	sprig_upper(str) str, sprig_lower(str) str, sprig_title(str) str, sprig_untitle(str) str, sprig_trim(str) str, sprig_trimAll(sep str) str,
	sprig_trimPrefix(sep str) str, sprig_trimSuffix(sep str) str, sprig_trunc(n str) str, sprig_substr(n n str) str, sprig_repeat(n str) str,
	sprig_nospace(str) str, sprig_initials(str) str, sprig_swapcase(str) str, sprig_snakecase(str) str, sprig_camelcase(str) str, sprig_kebabcase(str) str,
	sprig_wrap(n str) str, sprig_wrapWith(n sep str) str, sprig_abbrev(n str) str, sprig_abbrevboth(n n str) str, sprig_contains(str str) bool,
	sprig_hasPrefix(str str) bool, sprig_hasSuffix(str str) bool, sprig_quote(any) str, sprig_quote(any any) str, sprig_squote(any) str, sprig_cat(any any) str,
	sprig_indent(n str) str, sprig_nindent(n str) str, sprig_replace(sep str str) str, sprig_plural(str str n) str, sprig_toString(any) str,
	sprig_toStrings(seq) strs, sprig_join(sep seq) str, sprig_join(sep any) str, sprig_split(sep str) smap, sprig_splitList(sep str) strs, sprig_splitn(sep n str) smap,
	sprig_sortAlpha(seq) strs, sprig_sortAlpha(any) strs, sprig_atoi(digits) int, sprig_atoi(str) int, sprig_int(any) int, sprig_int64(any) int, sprig_float64(any) float,
	sprig_toDecimal(any) int, sprig_add(any any) int, sprig_add1(any) int, sprig_sub(any any) int, sprig_mul(any any) int, sprig_div(int int) int, sprig_mod(int int) int,
	sprig_addf(num num) float, sprig_add1f(num) float, sprig_subf(num num) float, sprig_mulf(num num) float, sprig_divf(num num) float,
	sprig_max(any any) int, sprig_min(any any) int, sprig_maxf(num num) float, sprig_minf(num num) float, sprig_ceil(any) float, sprig_floor(any) float,
	sprig_round(any n) float, sprig_seq(n) str, sprig_seq(n n) str, sprig_until(n) ints, sprig_untilStep(n n n) ints,
	sprig_default(any any) any, sprig_empty(any) bool, sprig_coalesce(any any any) any, sprig_all(any any) bool, sprig_any(any any) bool,
	sprig_ternary(any any bool) any, sprig_deepEqual(any any) bool, sprig_list(any any) list, sprig_tuple(any) list, sprig_first(seq) any, sprig_last(seq) any,
	sprig_rest(seq) list, sprig_initial(seq) list, sprig_append(seq any) list, sprig_prepend(seq any) list, sprig_concat(seq seq) list, sprig_reverse(seq) list,
	sprig_uniq(seq) list, sprig_without(seq any) list, sprig_has(any seq) bool, sprig_compact(seq) list, sprig_slice(seq n) list, sprig_slice(seq n n) list,
	sprig_chunk(n seq) list, sprig_mustFirst(seq) any, sprig_mustRest(seq) list, sprig_mustHas(any seq) bool, sprig_mustUniq(seq) list, sprig_mustAppend(seq any) list,
	sprig_dict(str any) dict, sprig_dict(str any str any) dict, sprig_get(dict str) any, sprig_set(dict str any) dict, sprig_unset(dict str) dict, sprig_hasKey(dict str) bool,
	sprig_pluck(str dict dict) list, sprig_dig(str any dict) any, sprig_dig(str str any dict) any, sprig_pick(dict str) dict, sprig_omit(dict str) dict,
	sprig_merge(dict dict) dict, sprig_mergeOverwrite(dict dict) dict, sprig_mustMerge(dict dict) dict, sprig_deepCopy(any) any,
	sprig_b64enc(str) base64, sprig_b64dec(base64) str, sprig_b32enc(str) str, sprig_b32dec(str) str, sprig_toJson(any) json, sprig_toRawJson(any) json,
	sprig_toPrettyJson(any) json, sprig_fromJson(json) any, sprig_mustFromJson(json) any, sprig_mustToJson(any) json,
	sprig_regexMatch(regex str) bool, sprig_regexFind(regex str) str, sprig_regexFindAll(regex str n) strs, sprig_regexReplaceAll(regex str repl) str,
	sprig_regexReplaceAllLiteral(regex str repl) str, sprig_regexSplit(regex str n) strs, sprig_regexQuoteMeta(str) str, sprig_mustRegexFind(regex str) str,
	sprig_duration(digits) str, sprig_durationRound(str) str, sprig_typeOf(any) str, sprig_typeIs(str any) bool, sprig_kindOf(any) str, sprig_kindIs(str any) bool,
	sprig_base(path) path, sprig_dir(path) path, sprig_clean(path) path, sprig_ext(path) str, sprig_isAbs(path) bool, sprig_osBase(path) path,
	sprig_urlParse(url) dict, sprig_urlJoin(dict) str, sprig_semverCompare(version version) bool, sprig_semver(version) any,
	sprig_sha1sum(str) str, sprig_sha256sum(str) str, sprig_sha512sum(str) str, sprig_adler32sum(str) str
`)

func parseTable(text string) []function {
	signature := regexp.MustCompile(`^(\w+)\(([\w ]*)\) (\w+)$`)
	var all []function
	for line := range strings.SplitSeq(text, ",") {
		parts := signature.FindStringSubmatch(strings.TrimSpace(line))
		if parts == nil {
			panic(fmt.Sprintf("the function table has %q", line))
		}
		f := function{name: parts[1], result: kind(parts[3])}
		for arg := range strings.FieldsSeq(parts[2]) {
			f.args = append(f.args, kind(arg))
		}
		all = append(all, f)
	}
	return all
}
