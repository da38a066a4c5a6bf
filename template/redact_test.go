package template_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"restencil/template"
	"restencil/watch"
	"restencil/watch/dependency"
)

// canaries are in the answers of secretAnswers, and must be in no error.
var canaries = []string{
	"hunter2", "deep-secret", "s.ClientToken", "accessor-canary", "s.WrapToken", "database/creds/app/lease-canary",
	"8675309867", "aHVudGVyMmh1bnRlcjI", "HUNTER2", "MIIEcanary", "sesame-in-json", "open<sesame>", "first canary line", "tail-canary", "7!q",
}

// secretAnswers are those of a Vault and a Nomad, hidden as sources do.
func secretAnswers(id watch.ID) *watch.Answer {
	switch id.Value().Kind {
	case watch.VaultRead:
		return &watch.Answer{Data: watch.Taint(&watch.Secret{
			LeaseID: "database/creds/app/lease-canary",
			Data: map[string]any{
				"password": "hunter2", "longer": "hunter2hunter2", "data": map[string]any{"inner": "deep-secret"},
				"list": []any{"deep-secret", "hunter2"}, "number": json.Number("8675309867"), "short": "x", "pin": "7!q", "yes": true,
				"pair": "app:hunter2", "lines": "first canary line\nother canary line\n", "odd": "open<sesame>\"\x01", "quote": "(\"tail-canary",
				"json": `{"password": "sesame-in-json"}`,
			},
			Auth:     &watch.SecretAuth{ClientToken: "s.ClientToken", Accessor: "accessor-canary"},
			WrapInfo: &watch.SecretWrapInfo{Token: "s.WrapToken"},
		})}
	case watch.VaultPKI:
		return &watch.Answer{Data: watch.Taint(watch.Certificate{
			Cert: "a certificate", Key: "-----BEGIN PRIVATE KEY-----\nMIIEcanary\n-----END PRIVATE KEY-----\n",
		})}
	case watch.NomadVarGet:
		items := dependency.NewNomadVariable(watch.NomadVarMeta{}, map[string]string{"k": "hunter2"}).Items
		return &watch.Answer{Data: items, Last: items}
	}
	pair := &watch.KeyPair{Value: "hunter3"}
	return &watch.Answer{Data: pair, Last: pair}
}

// What Vault and Nomad answered is in no error, nor in anything behind it.
func TestErrorsHideSecrets(t *testing.T) {
	tests := []struct{ text, want string }{
		{`{{ with secret "a" }}{{ .Data.password | parseInt }}{{ end }}`, `"[redacted]" is not `},
		{`{{ with secret "a" }}{{ .Data.longer | parseInt }}{{ end }}`, `"[redacted]" is not `},
		{`{{ with secret "a" }}{{ .Data.data.inner | parseBool }}{{ end }}`, `"[redacted]" is not `},
		{`{{ with secret "a" }}{{ index .Data.list 1 | parseInt }}{{ end }}`, `"[redacted]" is not `},
		{`{{ with secret "a" }}{{ .Data.number | print | parseBool }}{{ end }}`, `"[redacted]" is not `},
		{`{{ with secret "a" }}{{ .Data.short | parseInt }}{{ end }}`, `"[redacted]" is not `},
		{`{{ with secret "a" }}{{ print .Data.data | parseInt }}{{ end }}`, `"[redacted]" is not `},
		{`{{ with secret "a" }}{{ .Data.lines | parseInt }}{{ end }}`, `"[redacted]" is not `},
		{`{{ with secret "a" }}{{ .Data.odd | parseInt }}{{ end }}`, `"[redacted]" is not `},
		{`{{ with secret "a" }}{{ .Data.odd | toJSON | parseInt }}{{ end }}`, `[redacted]`},
		{`{{ with secret "a" }}{{ .Data.longer | base64Encode | printf "%sx" | parseInt }}{{ end }}`, `"[redacted]" is not `},
		{`{{ with secret "a" }}{{ print "say \"" .Data.quote | sprig_fail }}{{ end }}`, `[redacted]`},
		{`{{ with secret "a" }}{{ range .Data.password | toUpper }}{{ end }}{{ end }}`, `range can't iterate over [redacted]`},
		{`{{ with secret "a" }}{{ .Data.lines | split "\n" | join "|" | sprig_fail }}{{ end }}`, `: [redacted]`},
		{`{{ with secret "a" }}{{ (parseJSON .Data.json).password | sprig_fail }}{{ end }}`, `[redacted]`},
		{`{{ with secret "a" }}{{ .LeaseID | sprig_fail }}{{ end }}`, `: [redacted]`},
		{`{{ with secret "a" }}{{ .Auth.ClientToken | sprig_fail }}{{ end }}`, `: [redacted]`},
		{`{{ with secret "a" }}{{ .Auth.Accessor | sprig_fail }}{{ end }}`, `: [redacted]`},
		{`{{ with secret "a" }}{{ .WrapInfo.Token | sprig_fail }}{{ end }}`, `: [redacted]`},
		{`{{ with pkiCert "a" }}{{ .Key | sprig_fail }}{{ end }}`, `: [redacted]`},
		{`{{ with pkiCert "a" }}{{ index (.Key | split "\n") 1 | sprig_fail }}{{ end }}`, `: [redacted]`},
		{`{{ with pkiCert "a" }}{{ .Cert | sprig_fail }}{{ end }}`, `: [redacted]`},
		// Made of a secret, and no value of one: what is quoted is hidden, unless
		// the template says it.
		{`{{ with secret "a" }}{{ index (.Data.pair | split ":") 1 | toUpper | parseInt }}{{ end }}`, `"[redacted]" is not `},
		{`{{ with secret "a" }}{{ parseInt "seven" }}{{ end }}`, `"seven" is not `},
		{`{{ with nomadVar "a" }}{{ .k.Value | parseInt }}{{ end }}`, `"[redacted]" is not `},
		{`{{ with secret "a" }}{{ .Data.longer | base64Encode | mustEnv }}{{ end }}`, `[redacted]`},
		{`{{ with secret "a" }}{{ call .Data.password }}{{ end }}`, `[redacted]`},
		{`{{ with secret "a" }}{{ .Data.password | toUpper | call }}{{ end }}`, `[redacted]`},
		{`{{ with secret "a" }}{{ .Data.password | toUpper | sprig_fail }}{{ end }}`, `[redacted]`},
		{`{{ with secret "a" }}{{ sprig_semverCompare (.Data.password | toUpper) "1.2.3" }}{{ end }}`, `[redacted]`},
		{`{{ with secret "a" }}{{ sprig_semverCompare "1.2.3" (.Data.password | toUpper) }}{{ end }}`, `sprig_semverCompare`},
		{`{{ with secret "a" }}{{ nomadVarList (.Data.password | toUpper | printf "//%s//@") }}{{ end }}`, `[redacted]`},
		{`{{ with secret "a" }}{{ sprig_fail .Data.pin }}{{ end }}`, `[redacted]`},
		{`{{ with secret "a" }}{{ print "at <" .Data.pin ">" | parseInt }}{{ end }}`, `[redacted]`},
		{`{{ key "a" | parseInt }}`, `"hunter3" is not a whole number: the value of key a`}, // a key of Consul is no secret
	}
	for _, tt := range tests {
		tmpl, err := template.Parse(template.Options{Name: "a.ctmpl", Text: tt.text}, template.Host{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = tmpl.Execute(t.Context(), secretAnswers)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.text, err, tt.want)
		}
		showsNone(t, tt.text, fmt.Sprintf("%v %+v %#v", err, err, err))
	}
}

// A variable that is gone goes on to be used, and is as secret as before.
func TestSecretsThatAreGone(t *testing.T) {
	gone := func(id watch.ID) *watch.Answer { return &watch.Answer{Last: watch.Taint(secretAnswers(id).Last)} }
	execute := func(text string) (template.Result, error) {
		tmpl, err := template.Parse(template.Options{Name: "a.ctmpl", Text: text}, template.Host{})
		if err != nil {
			t.Fatal(err)
		}
		return tmpl.Execute(t.Context(), gone)
	}
	_, err := execute(`{{ with nomadVar "a" }}{{ .k.Value | parseInt }}{{ end }}`)
	if err == nil || !strings.Contains(err.Error(), `"[redacted]" is not `) {
		t.Errorf("the error is %v", err)
	}
	r, err := execute(`{{ with nomadVar "a" }}{{ .k }}{{ end }}`)
	if got := r.Secrets.Mask(string(r.Content)); err != nil || got != "***" {
		t.Errorf("the output is masked as %q, %v", got, err)
	}
}

func showsNone(t *testing.T, what, text string) {
	t.Helper()
	for _, canary := range canaries {
		if strings.Contains(text, canary) || strings.Contains(strings.ToLower(text), canary) {
			t.Errorf("%s: shows %q: %s", what, canary, text)
		}
	}
}

// A query whose name was made of a secret, however short, is private; one that the
// template names itself is not.
func TestNamesMadeOfSecretsArePrivate(t *testing.T) {
	for text, private := range map[string]bool{
		`{{ with secret "a" }}{{ key .Data.password }}{{ end }}`:                      true,
		`{{ with secret "a" }}{{ key (print "app/" .Data.pin "/x") }}{{ end }}`:       true,
		`{{ with secret "a" }}{{ range service .Data.data.inner }}{{ end }}{{ end }}`: true,
		`{{ with secret "a" }}{{ key "app/hunter2" }}{{ end }}`:                       false,
		`{{ with secret "a" }}{{ key (print "app/" .Data.yes) }}{{ end }}`:            false,
	} {
		tmpl, err := template.Parse(template.Options{Name: "a.ctmpl", Text: text}, template.Host{})
		if err != nil {
			t.Fatal(err)
		}
		got := false
		result, err := tmpl.Execute(t.Context(), func(id watch.ID) *watch.Answer {
			if q := id.Value(); q.Store() == watch.Consul {
				got = q.Private
				return nil
			}
			return secretAnswers(id)
		})
		if err != nil || len(result.Missing) != 1 || got != private {
			t.Errorf("%s: private %v, want %v (missing %v, %v)", text, got, private, result.Missing, err)
		}
		if private {
			showsNone(t, text, fmt.Sprint(result.Missing[0].Value(), result.Missing[0].Value().Describe(false)))
		}
	}
}
