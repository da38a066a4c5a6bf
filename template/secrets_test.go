package template_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"restencil/template"
	"restencil/watch"
)

// secretsOf returns the secrets of a template that reads one with this data.
func secretsOf(t *testing.T, data map[string]any) template.Secrets {
	t.Helper()
	tmpl, err := template.Parse(template.Options{Name: "a", Text: `{{ secret "a" }}{{ key "k" }}`}, template.Host{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := tmpl.Execute(t.Context(), func(id watch.ID) *watch.Answer {
		if id.Value().Kind == watch.VaultRead {
			return &watch.Answer{Data: watch.Taint(&watch.Secret{Data: data})}
		}
		pair := &watch.KeyPair{Value: "of consul"}
		return &watch.Answer{Data: pair, Last: pair}
	})
	if err != nil {
		t.Fatal(err)
	}
	return r.Secrets
}

func TestMask(t *testing.T) {
	secrets := secretsOf(t, map[string]any{
		"password": "correct-horse", "short": "abc", "five": "admin", "flag": "true", "host": "localhost",
		"port": json.Number("5432"), "yes": true, "none": nil,
		"pem":  "-----BEGIN KEY-----\nMIIEvQ\nIBADAN\n-----END KEY-----\n",
		"odd":  "tab\tand \"quote\" & <more>",
		"part": "horse-and-cart",
		"bell": "a<bell\a>\"",
	})
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"nothing of interest: of consul", "nothing of interest: of consul"},
		{"password=correct-horse.", "password=***."},
		{"xcorrect-horsex", "x***x"},
		{"abc true localhost abcd", "*** true localhost abcd"},
		{"user admin of the administrators", "user *** of the administrators"},
		{"admin", "***"},
		{"127.0.0.1:5432 and 15432", "127.0.0.1:*** and 15432"},
		{"-----BEGIN KEY-----\nMIIEvQ\nIBADAN\n-----END KEY-----\n", "***"},
		{"line 2: \"MIIEvQ\"", "line 2: \"***\""},
		{"-----BEGIN KEY-----", "-----BEGIN KEY-----"},
		{"got tab\tand \"quote\" & <more>", "got ***"},
		{`got "tab\tand \"quote\" & <more>"`, `got "***"`},
		{`{"odd":"tab\tand \"quote\" \u0026 \u003cmore\u003e"}`, `{"odd":"***"}`},
		{`{"bell":"a<bell\u0007>\""}`, `{"bell":"***"}`},
		{`bell = "a<bell\a>\""`, `bell = "***"`},
		{"correct-horse-and-cart", "***"}, // two values that overlap
	} {
		if got := secrets.Mask(tt.text); got != tt.want {
			t.Errorf("Mask(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
	var none template.Secrets
	if got := none.Mask("correct-horse"); got != "correct-horse" || !none.None() || secrets.None() {
		t.Errorf("without secrets: %q", got)
	}
	both := none.With(secrets, secretsOf(t, map[string]any{"k": "battery-staple"}))
	if got := both.Mask("correct-horse battery-staple"); got != "*** ***" {
		t.Errorf("of both: %q", got)
	}
}

func TestMaskError(t *testing.T) {
	secrets := secretsOf(t, map[string]any{"password": "correct-horse"})
	if err := secrets.MaskError(nil); err != nil {
		t.Errorf("of nil: %v", err)
	}
	harmless := errors.New("refused")
	if err := secrets.MaskError(harmless); err != harmless {
		t.Errorf("of one without a secret: %v", err)
	}
	err := secrets.MaskError(fmt.Errorf("reload: %w", errors.New("no such user: correct-horse")))
	if all := fmt.Sprintf("%v %+v %#v", err, err, err); !strings.HasPrefix(all, "reload: no such user: *** ") ||
		strings.Contains(all, "correct") || errors.Unwrap(err) != nil {
		t.Errorf("of one with a secret: %s", all)
	}
}

// However they and what holds them are printed, no value shows.
func TestSecretsShowAsStars(t *testing.T) {
	secrets := secretsOf(t, map[string]any{"password": "correct-horse"})
	var all strings.Builder
	for _, v := range []any{secrets, &secrets, []template.Secrets{secrets}, struct{ s template.Secrets }{secrets}} {
		fmt.Fprintf(&all, "%v %+v %#v %s %q %x %d\n", v, v, v, v, v, v, v)
	}
	encoded, err := json.Marshal(map[string]any{"s": secrets})
	if err != nil {
		t.Fatal(err)
	}
	all.Write(encoded)
	slog.New(slog.NewTextHandler(&all, nil)).Info("x", "s", secrets)
	slog.New(slog.NewJSONHandler(&all, nil)).Info("x", "s", secrets)
	if strings.Contains(all.String(), "horse") || strings.Count(all.String(), "***") < 10 {
		t.Errorf("shown as %s", all.String())
	}
}
