package format

import (
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func TestCheck(t *testing.T) {
	tests := []struct {
		format  Format
		content string
		want    string // "": right; otherwise what is wrong
	}{
		{"", "anything", ""},
		{"ini", "a=1", `unknown format "ini"`},

		{JSON, `{"a": [1, 2.5e3, null], "a": 2}` + "\n", ""},
		{JSON, ` "é" `, ""},
		{JSON, "", "line 1, column 1: it ends too early"},
		{JSON, " \n", "line 2, column 1: it ends too early"},
		{JSON, "{\n  \"a\": 1,\n}", "line 3, column 1: invalid character looking for beginning of object key string"},
		{JSON, "{} {}", "line 1, column 4: invalid character after top-level value"},
		{JSON, "[1,\n2 3]", "line 2, column 3: invalid character after array element"},
		{JSON, "[' ']", "line 1, column 2: invalid character looking for beginning of value"},
		{JSON, "\"a\xffb\"", "line 1, column 3: not UTF-8"},
		{JSON, "\uFEFF{}", "line 1, column 1: invalid character looking for beginning of value"},
		{JSON, "[01]", "line 1, column 3: invalid character after array element"},
		{JSON, "<no value>", "line 1, column 1: invalid character looking for beginning of value"},

		{YAML, "", ""},
		{YAML, "# nothing\n", ""},
		{YAML, "a: 1\n---\nb: [1, 2]\n...\n---\n", ""},
		{YAML, "a: &x {b: 1}\nc: *x\nd:\n  <<: *x\n", ""},
		{YAML, "? {a: 1}\n: a key that is a map\n", ""},
		{YAML, "a: 1\n---\nb: [1, 2\n", "line 3: did not find expected ',' or ']'"},
		{YAML, "a: 1\n b: 2\n", "line 2: mapping values are not allowed in this context"},
		{YAML, "a:\n\t- 1\n", "line 2: found character that cannot start any token"},
		{YAML, "a: *SECRET\n", "an alias to an anchor that is not there"},
		{YAML, "a: \xff\n", "not UTF-8"},

		{TOML, "", ""},
		{TOML, "# c\na.b = 1\n[t]\nc = [1, \"]\", { d = '}' }]\n[[u]]\n\"k.k\" = 1979-05-27\n", ""},
		{TOML, "s = \"\"\"a\n=[[[ \\\"\"\\\" \n\"\"\"\nt = ''''a''''\n", ""},
		{TOML, "a = 1\na = 2\n", "line 2, column 7: a key that is defined already"},
		{TOML, "a = \n", "line 1, column 5: a value is expected"},
		{TOML, "a = 1 b = 2\n", "line 1, column 6: the end of the line is expected"},
		{TOML, "SECRET\n", "line 1, column 7: '.' or '=' is expected after a key"},
		{TOML, "a = \"SECRET\nb = 1\n", "line 1, column 12: a string that does not end on its line"},
		{TOML, "a = 99999999999999999999", "line 1, column 5: a number that is out of range"},

		{HCL, "", ""},
		{HCL, "a = 1\nb \"c\" {\n  d = [for x in y : \"${x}-${z}\" if x != 2]\n}\n", ""},
		{HCL, "a = not_there(1)\n", ""},
		{HCL, "a = <<EOT\n%{ if x }y%{ endif }\nEOT\n", ""},
		{HCL, "a = 1\na = 2\n", "line 2, column 1: attribute redefined"},
		{HCL, "a {\n  b = \n}\n", "line 2, column 7: invalid expression"},
		{HCL, "a {\n", "line 1, column 3: unclosed configuration block"},
		{HCL, "SECRET\n", "line 1, column 1: argument or block definition required"},

		{XML, "<a/>", ""},
		{XML, "\uFEFF<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!DOCTYPE a>\n<!-- c --><a x=\"1\" y='2'>&lt;&#65;<b/></a>\n<!-- end -->\n", ""},
		{XML, "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xe9</a>", ""},
		{XML, "<a xmlns:x=\"u\" xmlns:y=\"u\" x:k=\"1\" k=\"2\"/>", ""},
		{XML, "", "line 1, column 1: no root element"},
		{XML, "<!-- c -->", "line 1, column 11: no root element"},
		{XML, "<a>\n</b>", "line 2, column 5: the end of another element than the one that is open"},
		{XML, "<a/><b/>", "line 1, column 5: a second root element"},
		{XML, "<a/>SECRET", "line 1, column 5: text outside the root element"},
		{XML, "SECRET<a/>", "line 1, column 1: text outside the root element"},
		{XML, "<a>&SECRET;</a>", "line 1, column 12: an entity that is not known"},
		{XML, "<!DOCTYPE a [<!ENTITY e \"x\">]><a>&e;</a>", "line 1, column 37: an entity that is not known"},
		{XML, "<a b=\"1\" b=\"2\"/>", "line 1, column 1: an attribute that the element has already"},
		{XML, "<a b/>", "line 1, column 6: '=' is expected after an attribute's name"},
		{XML, "<a>", "line 1, column 4: it ends too early"},
		{XML, " <?xml version=\"1.0\"?><a/>", "line 1, column 2: an XML declaration that is not at the beginning"},
		{XML, "<?xml version=\"1.0\" encoding=\"SECRET\"?><a/>", "line 1, column 40: an encoding that is not known"},
		{XML, "<?xml version=\"1.1\"?><a/>", "line 1, column 22: a version of XML other than 1.0"},
		{XML, "<a/><!DOCTYPE a>", "line 1, column 5: a declaration that is not before the root element"},

		{X509, "", "no PEM block"},
		{X509, "<no value>", "no PEM block"},
		{X509, "-----BEGIN CERTIFICATE-----\nSECRET\n", "line 1: a PEM block that does not end"},
		{X509, "x\n  -----BEGIN CERTIFICATE-----\n", "line 2, column 3: a PEM block that does not begin its line"},
		{X509, "-----END CERTIFICATE-----\n", "line 1, column 1: the end of a PEM block that did not begin"},
		{X509, "\n-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n", "line 2: a PEM block that cannot be read"},
		{X509, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "line 1: a certificate that cannot be parsed"},
		{X509, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "line 1: a private key that cannot be parsed"},
		{X509, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n", "line 1: a private key that is encrypted"},
		{X509, "-----BEGIN SECRET-----\nAAAA\n-----END SECRET-----\n", "line 1: a PEM block that is neither a certificate nor a private key"},
	}
	for _, test := range tests {
		t.Run(string(test.format)+"/"+test.content, func(t *testing.T) {
			err := Check(test.format, "out", []byte(test.content), noon)
			got := ""
			if err != nil {
				got = err.Error()
			}
			want := test.want
			if want != "" {
				want = "out: " + want
			}
			if got != want {
				t.Errorf("Check(%s, %q)\n got %q\nwant %q", test.format, test.content, got, want)
			}
		})
	}
}

func TestKnown(t *testing.T) {
	for _, f := range []Format{JSON, YAML, TOML, HCL, XML, X509} {
		if !Known(f) {
			t.Errorf("%s is not known", f)
		}
	}
	for _, f := range []Format{"", "JSON", "pem"} {
		if Known(f) {
			t.Errorf("%q is known", f)
		}
	}
}

// TestErrorsQuoteNothing spoils right content in many ways and looks for what
// might have been a secret, in errors that must be one line.
func TestErrorsQuoteNothing(t *testing.T) {
	right := map[Format]string{
		JSON: `{"key": ["value", 12, true], "other": {"x": null}}`,
		YAML: "key: &a [value, 'quoted', \"double\"]\nother: *a\n? x\n: !!int 3\n",
		TOML: "key = \"value\"\nn = 12\nf = 1.5\nd = 1979-05-27T07:32:00Z\nb = true\n[table]\na = ['x', {y = 0x1f}]\n",
		HCL:  "key = \"value\"\nblock \"label\" {\n  a = [1, x.*.y, f(z)]\n  b = <<EOT\n%{ if x }t${v}%{ endif }\nEOT\n}\n",
		XML:  "<?xml version=\"1.0\"?><!DOCTYPE a><a k=\"v\"><!-- c -->&lt;<b>t</b><![CDATA[d]]></a>",
		X509: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
	}
	const secret = "HUNTER2"
	for f, content := range right {
		for i := range len(content) + 1 {
			for _, canary := range []string{secret, " " + secret + " ", "*" + secret, "'" + secret, "\"" + secret, "<" + secret + ">", "&" + secret + ";", "\n" + secret + "\x00", "9" + secret, "\xff" + secret} {
				for _, spoilt := range []string{content[:i] + canary + content[i:], content[:i] + canary} {
					quotesNothing(t, f, spoilt, secret)
				}
			}
		}
	}
}

func quotesNothing(t *testing.T, f Format, content, secret string) {
	t.Helper()
	err := Check(f, "out", []byte(content), noon)
	if err == nil {
		return
	}
	if strings.Contains(strings.ToLower(err.Error()), strings.ToLower(secret)) || strings.ContainsAny(err.Error(), "\n\r\x00") {
		t.Errorf("%s of %q: %q", f, content, err)
	}
}
