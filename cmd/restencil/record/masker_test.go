package record

import (
	"crypto/tls"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMasker(t *testing.T) {
	m := new(masker)
	for text, want := range map[string]string{
		"":                                     "",
		"hunter2":                              "masked-field",
		"12345":                                "0",
		"-1.5e3":                               "0",
		"2027-03-04T05:06:07.8Z":               "2000-01-01T00:00:00Z",
		"90s":                                  "1h",
		"f47ac10b-58cc-4372-a567-0e02b2c3d479": "00000000-0000-0000-0000-000000000000",
		"https://user:pw@host:1/path?q=1":      "https://masked-field",
		`{"a": [1, "x", true, null]}`:          `{"a":[0,"masked-a",false,null]}`,
		`{not json`:                            "masked-field",
		"aHVudGVyMmh1bnRlcjI=":                 "bWFza2VkLWZpZWxk",
		"several words, as in a sentence":      "masked-field",
	} {
		if got := m.value("field", text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	got := m.value("", map[string]any{"n": json.Number("42"), "b": true, "list": []any{"x"}, "none": nil})
	want := map[string]any{"n": 0, "b": false, "list": []any{"masked-list"}, "none": nil}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A certificate and its key are replaced by a pair, whatever kind of key it was.
func TestMaskerPair(t *testing.T) {
	m := new(masker)
	const certificate, key = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"
	if _, err := tls.X509KeyPair([]byte(m.text("c", certificate+certificate)), []byte(m.text("k", key))); err != nil {
		t.Error(err)
	}
}
