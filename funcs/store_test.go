package funcs

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"

	"restencil/watch"
)

// A fakeExecution answers queries by their text. What is not in it is not known
// yet; nil means that there is no such thing.
type fakeExecution struct {
	data    map[string]any
	last    map[string]any // where it differs from data
	without watch.Store    // the one that is not configured
	tainted bool           // Vault's answers are, as its source gives them

	used    []string
	missing []string
	printed strings.Builder
	files   []File
	ran     map[string]int // how often Once was asked, by key
}

func (f *fakeExecution) Ask(q watch.Query) (watch.Answer, bool, error) {
	if q.Store() == f.without {
		return watch.Answer{}, false, fmt.Errorf("%s is %w", q.Store(), watch.ErrNotConfigured)
	}
	f.used = append(f.used, q.String())
	data, known := f.data[q.String()]
	if !known {
		f.Incomplete(q)
		return watch.Answer{}, false, nil
	}
	if f.tainted && q.Kind != watch.VaultList && q.Store() == watch.Vault {
		data = watch.Taint(data)
	}
	last := data
	if l, ok := f.last[q.String()]; ok {
		last = l
	}
	return watch.Answer{Data: data, Last: last}, true, nil
}

func (f *fakeExecution) Gone(watch.Query)         {}
func (f *fakeExecution) Incomplete(q watch.Query) { f.missing = append(f.missing, q.String()) }
func (f *fakeExecution) Print(text string)        { f.printed.WriteString(text) }
func (f *fakeExecution) WriteFile(file File)      { f.files = append(f.files, file) }

func (f *fakeExecution) Once(key string, run func() (string, error)) (string, error) {
	if f.ran == nil {
		f.ran = make(map[string]int)
	}
	f.ran[key]++
	return run()
}

// storeEnv returns an environment whose functions ask f, with an execution under
// way, and all functions with three more to look at results.
func storeEnv(f *fakeExecution) (*Env, template.FuncMap) {
	e := &Env{CertFiles: []string{"/etc/app.pem"}}
	e.Begin(context.Background(), f)
	all := Map(e)
	all["list"] = all["sprig_list"]
	all["dict"] = all["sprig_dict"]
	all["set"] = func(m map[string]any, k string, v any) string { m[k] = v; return "" }
	return e, all
}

func renderWith(f *fakeExecution, text string) (string, error) {
	_, functions := storeEnv(f)
	t, err := template.New("").Option("missingkey=zero").Funcs(functions).Parse(text)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	err = t.Execute(&out, nil)
	return out.String(), err
}

// A storeTest renders a template against a store. Where fail is set the error
// must contain it; a template that asks what is not known renders what the
// functions give meanwhile.
type storeTest struct {
	text    string
	want    string
	fail    string
	missing []string
}

func runStoreTests(t *testing.T, store fakeExecution, tests []storeTest) {
	t.Helper()
	for _, tt := range tests {
		f := store
		runStoreTest(t, f, tt)
		f.tainted = true
		runStoreTest(t, f, tt)
	}
}

func runStoreTest(t *testing.T, f fakeExecution, tt storeTest) {
	t.Helper()
	got, err := renderWith(&f, tt.text)
	switch {
	case tt.fail == "" && err != nil:
		t.Errorf("%s\nfailed: %v", tt.text, err)
		return
	case tt.fail != "" && (err == nil || !strings.Contains(err.Error(), tt.fail)):
		t.Errorf("%s\nrendered %q, error %v; want the error %s", tt.text, got, err, tt.fail)
		return
	case tt.fail == "" && got != tt.want:
		t.Errorf("%s\nrendered %q\nwant     %q", tt.text, got, tt.want)
	}
	if diff := cmp.Diff(tt.missing, f.missing); diff != "" {
		t.Errorf("%s\nmissing (-want +got):\n%s", tt.text, diff)
	}
}

// Each function with an argument that does nothing asks nothing.
func TestInertArguments(t *testing.T) {
	runStoreTests(t, fakeExecution{}, []storeTest{
		{text: `{{ key "" | toJSON }}`, want: `""`},
		{text: `{{ keyExists "" | toJSON }}`, want: `false`},
		{text: `{{ keyOrDefault "" "d" }}`, want: `d`},
		{text: `{{ ls "" | toJSON }} {{ safeLs "" | toJSON }}`, want: `[] []`},
		{text: `{{ tree "" | toJSON }} {{ safeTree "" | toJSON }}`, want: `[] []`},
		{text: `{{ service | toJSON }} {{ service "" | toJSON }} {{ service "" "any" | toJSON }}`, want: `[] [] []`},
		{text: `{{ connect | toJSON }} {{ connect "" | toJSON }}`, want: `[] []`},
		{text: `{{ caLeaf }} {{ caLeaf "" "x" }}`, want: `<no value> <no value>`},
		{text: `{{ file "" | toJSON }}`, want: `""`},
		{text: `{{ secret }} {{ secrets "" | toJSON }} {{ pkiCert }}`, want: `<no value> null <no value>`},
		{text: `{{ nomadVar "" | toJSON }} {{ nomadVarExists "" }}`, want: `null false`},
		{text: `{{ byTag nil }} {{ byPort nil }} {{ byMeta "x" nil }} {{ byKey nil }} {{ explode nil }} {{ explodeMap nil }}`,
			want: `map[] map[] map[] map[] map[] map[]`},
	})
}

// What a function gives as long as nothing is known must be good enough for the
// rest of the template to run, so that all its questions get asked.
func TestValuesBeforeTheAnswer(t *testing.T) {
	runStoreTests(t, fakeExecution{}, []storeTest{
		{text: `{{ key "a" | toJSON }}`, want: `""`, missing: []string{"kv.get(a)"}},
		{text: `{{ keyExists "a" }}`, want: `false`, missing: []string{"kv.get(a)"}},
		{text: `{{ keyOrDefault "a" "d" }}`, want: `d`, missing: []string{"kv.get(a)"}},
		{text: `{{ ls "a" | toJSON }}`, want: `[]`, missing: []string{"kv.list(a)"}},
		{text: `{{ safeLs "a" | toJSON }}`, want: `[]`, missing: []string{"kv.list(a)"}},
		{text: `{{ tree "a" | explode | toJSON }}`, want: `{}`, missing: []string{"kv.list(a)"}},
		{text: `{{ safeTree "a" | byKey | toJSON }}`, want: `{}`, missing: []string{"kv.list(a)"}},
		{text: `{{ service "a" | toJSON }}`, want: `[]`, missing: []string{"health.service(a)"}},
		{text: `{{ connect "a" | toJSON }}`, want: `[]`, missing: []string{"health.connect(a)"}},
		{text: `{{ services | toJSON }}`, want: `[]`, missing: []string{"catalog.services"}},
		{text: `{{ node "a" }}{{ with node "a" }}x{{ end }}`, want: `<no value>`, missing: []string{"catalog.node(a)", "catalog.node(a)"}},
		{text: `{{ nodes | toJSON }}`, want: `[]`, missing: []string{"catalog.nodes"}},
		{text: `{{ datacenters | toJSON }}`, want: `[]`, missing: []string{"catalog.datacenters"}},
		{text: `{{ partitions | toJSON }}`, want: `[]`, missing: []string{"list.partitions"}},
		{text: `{{ peerings | toJSON }}`, want: `[]`, missing: []string{"list.peerings"}},
		{text: `{{ exportedServices | toJSON }}`, want: `[]`, missing: []string{"list.exportedServices"}},
		{text: `{{ importedServices "p" | toJSON }}`, want: `[]`, missing: []string{"list.importedServices(p)"}},
		{text: `{{ caRoots | toJSON }}`, want: `null`, missing: []string{"connect.caroots"}},
		{text: `{{ caLeaf "web" }}`, want: `<no value>`, missing: []string{"connect.caleaf(web)"}},
		{text: `{{ file "/a" | toJSON }}`, want: `""`, missing: []string{"file(/a)"}},
		{text: `{{ secret "a" }}{{ with secret "a" "k=v" }}x{{ end }}`, want: `<no value>`,
			missing: []string{"vault.read(a)", "vault.write(a -> 9246d2c0)"}},
		{text: `{{ secrets "a" | toJSON }}`, want: `null`, missing: []string{"vault.list(a)"}},
		{text: `{{ pkiCert "a" }}`, want: `<no value>`, missing: []string{"vault.pki(a->/etc/app.pem)"}},
		{text: `{{ nomadServices | toJSON }}`, want: `null`, missing: []string{"nomad.services"}},
		{text: `{{ nomadService "a" | toJSON }}`, want: `null`, missing: []string{"nomad.service(a)"}},
		{text: `{{ nomadVar "a" | toJSON }}{{ range nomadVar "a" }}x{{ end }}`, want: `null`,
			missing: []string{"nomad.var.get(a)", "nomad.var.get(a)"}},
		{text: `{{ nomadVarExists "a" }}`, want: `false`, missing: []string{"nomad.var.get(a)"}},
		{text: `{{ nomadVarList "a" | toJSON }}`, want: `[]`, missing: []string{"nomad.var.list(a)"}},
		{text: `{{ nomadVarListSafe | toJSON }}`, want: `[]`, missing: []string{"nomad.var.list"}},
	})
}

func TestStoreNotConfigured(t *testing.T) {
	for store, texts := range map[watch.Store][]string{
		watch.Vault: {`{{ secret "a" }}`, `{{ secret "a" "b=c" }}`, `{{ secrets "a" }}`, `{{ pkiCert "a" }}`},
		watch.Nomad: {`{{ nomadService "a" }}`, `{{ nomadServices }}`, `{{ nomadVar "a" }}`, `{{ nomadVarExists "a" }}`,
			`{{ nomadVarList }}`, `{{ nomadVarListSafe }}`},
		watch.Consul: {`{{ key "a" }}`, `{{ keyExists "a" }}`, `{{ keyOrDefault "a" "b" }}`, `{{ ls "a" }}`, `{{ safeTree "a" }}`,
			`{{ service "a" }}`, `{{ connect "a" }}`, `{{ services }}`, `{{ node }}`, `{{ nodes }}`, `{{ datacenters }}`,
			`{{ partitions }}`, `{{ peerings }}`, `{{ exportedServices }}`, `{{ importedServices "p" }}`, `{{ caRoots }}`, `{{ caLeaf "a" }}`},
		watch.Files: {`{{ file "/a" }}`},
	} {
		for _, text := range texts {
			runStoreTests(t, fakeExecution{without: store}, []storeTest{{text: text, fail: string(store) + " is not configured"}})
		}
	}
}

// A store that gives the wrong type is told so, not taken for an empty one.
func TestWrongAnswerType(t *testing.T) {
	runStoreTests(t, fakeExecution{data: map[string]any{"kv.get(a)": "text", "health.service(a)": "text"}}, []storeTest{
		{text: `{{ key "a" }}`, fail: "kv.get(a): the store gave a string instead of a *dependency.KeyPair"},
		{text: `{{ keyExists "a" }}`, fail: "kv.get(a)"},
		{text: `{{ service "a" }}`, fail: "health.service(a)"},
	})
}
