package funcs

import (
	"slices"
	"strings"
	"testing"
	"text/template"
)

// All of COMPAT 3.4 to 3.9, and so many of sprig's (3.14).
const native = `
	add base64Decode base64Encode base64URLDecode base64URLEncode byKey byMeta byPort byTag caLeaf caRoots
	connect contains containsAll containsAny containsNone containsNotAll datacenters divide env envOrDefault
	exact executeTemplate explode explodeMap exportedServices file hmacSHA256Hex importedServices in indent join key
	keyExists keyOrDefault loop ls maximum md5sum mergeMap mergeMapWithOverride minimum modulo multiply mustEnv
	node nodes nomadService nomadServices nomadVar nomadVarExists nomadVarList nomadVarListSafe parseBool
	parseFloat parseInt parseJSON parseUint parseYAML partitions peerings pkiCert plugin regexMatch
	regexReplaceAll replaceAll safeLs safeTree scratch secret secrets service services sha256Hex sockaddr
	spew_dump spew_printf spew_sdump spew_sprintf split splitToMap subtract timestamp toJSON toJSONPretty
	toLower toTOML toTitle toUnescapedJSON toUnescapedJSONPretty toUpper toYAML tree trim trimPrefix trimSpace
	trimSuffix writeToFile`

const sprigCount = 194

func TestNames(t *testing.T) {
	var own, sprig []string
	for _, name := range Names() {
		if strings.HasPrefix(name, "sprig_") {
			sprig = append(sprig, name)
		} else {
			own = append(own, name)
		}
	}
	want := slices.Sorted(slices.Values(strings.Fields(native)))
	if !slices.Equal(own, want) {
		t.Errorf("the functions are %v\nwant %v", own, want)
	}
	if len(sprig) != sprigCount {
		t.Errorf("there are %d functions of sprig's, want %d", len(sprig), sprigCount)
	}
}

func TestUnknownFunctions(t *testing.T) {
	for _, name := range []string{
		"upper", "b64enc", "sprig_now", "sprig_date", "sprig_env", "sprig_uuidv4", "sprig_randAlpha", "sprig_getHostByName",
	} {
		_, err := render("{{ " + name + " }}")
		if err == nil || !strings.Contains(err.Error(), `function "`+name+`" not defined`) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// MapFor has all that the text needs, wherever it stands, and not much more.
func TestMapFor(t *testing.T) {
	const text = "key toJSON\n{{- range ls `split`|explode}}<<sprig_trim>>(parseInt \"\")éadd env1{{ trimSpace"
	got := slices.Sorted(mapKeys(MapFor(new(Env), text)))
	want := []string{"explode", "key", "ls", "parseInt", "split", "sprig_trim", "toJSON", "trimSpace"}
	if !slices.Equal(got, want) {
		t.Errorf("MapFor has %v; want %v", got, want)
	}
	all := strings.Join(Names(), " ")
	if got := slices.Sorted(mapKeys(MapFor(new(Env), all))); !slices.Equal(got, Names()) {
		t.Errorf("MapFor of all names lacks some: %v", got)
	}
}

func mapKeys(m template.FuncMap) func(func(string) bool) {
	return func(yield func(string) bool) {
		for name := range m {
			if !yield(name) {
				return
			}
		}
	}
}

func TestDenylist(t *testing.T) {
	for _, tt := range []struct {
		pattern, text string
		fails         bool
	}{
		{"trim", `{{ trim "x" "y" }}`, true},
		{"trim", `{{ trimSpace "y" }}`, false},
		{"trim", `{{ if false }}{{ trim "x" "y" }}{{ end }}`, false},
		{"add", `{{ add 1 2 }}`, true}, // consul-template: wrong type (COMPAT Q33)
		{"add", `{{ add }}`, true},
		{"add", `{{ 1 | add nil (split "," "a") }}`, true},
		{"sprig_*", `{{ sprig_upper "x" }}`, true},
		{"*_upper", `{{ sprig_upper "x" }}`, true},
		{"*", `{{ toUpper "x" }}`, true},
		{"*", `{{ print "x" }}`, false}, // the engine's own
		{"s*ig_*er", `{{ sprig_upper "x" }}`, true},
		{"s*ig_*err", `{{ sprig_upper "x" }}`, false},
		{"*prig", `{{ sprig_upper "x" }}`, false},
		{"toUppe?", `{{ toUpper "x" }}`, false},
		{"TOUPPER", `{{ toUpper "x" }}`, false},
		{"", `{{ toUpper "x" }}`, false},
		{"**to**", `{{ toUpper "x" }}`, true},
		{"toUpper*toUpper", `{{ toUpper "x" }}`, false},
	} {
		_, err := render(tt.text, tt.pattern)
		if tt.fails != (err != nil) || err != nil && !strings.HasSuffix(err.Error(), ": function is disabled") {
			t.Errorf("%q and %s: error %v", tt.pattern, tt.text, err)
		}
		_, err = template.New("").Funcs(Map(&Env{Denylist: []string{tt.pattern}})).Parse(tt.text)
		if err != nil {
			t.Errorf("%q and %s: %v", tt.pattern, tt.text, err)
		}
	}
}

func TestNearest(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"keyExist", "keyExists"},
		{"tojson", "toJSON"},
		{"toJson", "toJSON"},
		{"envOrDefualt", "envOrDefault"},
		{"upper", "sprig_upper"},
		{"b64enc", "sprig_b64enc"},
		{"default", "sprig_default"},
		{"prntf", "printf"},
		{"Services", "services"},
		{"frobnicate", ""},
		{"foo", ""},
		{"", ""},
	} {
		if got := Nearest(tt.name); got != tt.want {
			t.Errorf("nearest to %q is %q; want %q", tt.name, got, tt.want)
		}
	}
}
