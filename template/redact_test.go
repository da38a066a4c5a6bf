package template_test

import (
	"fmt"
	"strings"
	"testing"

	"restencil/template"
	"restencil/watch"
	"restencil/watch/dependency"
)

// What Vault and Nomad answered is in no error, nor in anything behind it.
func TestErrorsHideSecrets(t *testing.T) {
	answers := func(q watch.Query) (watch.Answer, bool) {
		switch q.Kind {
		case watch.VaultRead:
			return watch.Answer{Data: &watch.Secret{Data: map[string]any{
				"password": "hunter2", "longer": "hunter2hunter2", "data": map[string]any{"inner": "deep-secret"},
			}}}, true
		case watch.NomadVarGet:
			items := dependency.NewNomadVariable(watch.NomadVarMeta{}, map[string]string{"k": "hunter2"}).Items
			return watch.Answer{Data: items, Last: items}, true
		}
		pair := &watch.KeyPair{Value: "hunter3"}
		return watch.Answer{Data: pair, Last: pair}, true
	}
	tests := []struct{ text, want string }{
		{`{{ with secret "a" }}{{ .Data.password | parseInt }}{{ end }}`, `parsing "[redacted]"`},
		{`{{ with secret "a" }}{{ .Data.longer | parseInt }}{{ end }}`, `parsing "[redacted]"`},
		{`{{ with secret "a" }}{{ .Data.data.inner | parseBool }}{{ end }}`, `parsing "[redacted]"`},
		{`{{ with nomadVar "a" }}{{ .k.Value | parseInt }}{{ end }}`, `parsing "[redacted]"`},
		{`{{ key "a" | parseInt }}`, `parsing "hunter3"`}, // a key of Consul is no secret
	}
	for _, tt := range tests {
		tmpl, err := template.Parse(template.Options{Name: "a.ctmpl", Text: tt.text}, template.Host{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = tmpl.Execute(t.Context(), answers)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.text, err, tt.want)
		}
		if all := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(all, "hunter2") || strings.Contains(all, "deep-secret") {
			t.Errorf("%s: the error shows a secret: %s", tt.text, all)
		}
	}
}
