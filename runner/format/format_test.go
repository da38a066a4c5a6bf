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
		detail  string // the message of the parser
	}{
		{"", "anything", "", ""},
		{"ini", "a=1", `unknown format "ini"`, ""},

		{JSON, `{"a": [1, 2.5e3, null], "a": 2}` + "\n", "", ""},
		{JSON, ` "é" `, "", ""},
		{JSON, "", "line 1, column 1: not valid JSON", "unexpected end of JSON input"},
		{JSON, " \n", "line 1, column 2: not valid JSON", "unexpected end of JSON input"},
		{JSON, "{\n  \"a\": 1,\n}", "line 3, column 1: not valid JSON", "invalid character '}' looking for beginning of object key string"},
		{JSON, "{} {}", "line 1, column 4: not valid JSON", "invalid character '{' after top-level value"},
		{JSON, "[1,\n2 3]", "line 2, column 3: not valid JSON", "invalid character '3' after array element"},
		{JSON, "[' ']", "line 1, column 2: not valid JSON", "invalid character '\\'' looking for beginning of value"},
		{JSON, "\"a\xffb\"", "line 1, column 3: not UTF-8", ""},
		{JSON, "\uFEFF{}", "line 1, column 1: not valid JSON", "invalid character 'ï' looking for beginning of value"},
		{JSON, "[01]", "line 1, column 3: not valid JSON", "invalid character '1' after array element"},
		{JSON, "<no value>", "line 1, column 1: not valid JSON", "invalid character '<' looking for beginning of value"},

		{YAML, "", "", ""},
		{YAML, "# nothing\n", "", ""},
		{YAML, "a: 1\n---\nb: [1, 2]\n...\n---\n", "", ""},
		{YAML, "a: &x {b: 1}\nc: *x\nd:\n  <<: *x\n", "", ""},
		{YAML, "? {a: 1}\n: a key that is a map\n", "", ""},
		{YAML, "a: 1\n---\nb: [1, 2\n", "line 3: not valid YAML", "did not find expected ',' or ']'"},
		{YAML, "a: 1\n b: 2\n", "line 2: not valid YAML", "mapping values are not allowed in this context"},
		{YAML, "a:\n\t- 1\n", "line 2: not valid YAML", "found character that cannot start any token"},
		{YAML, "a: *SECRET\n", "not valid YAML", "unknown anchor 'SECRET' referenced"},
		{YAML, "a: \xff\n", "not valid YAML", "invalid leading UTF-8 octet"},

		{TOML, "", "", ""},
		{TOML, "# c\na.b = 1\n[t]\nc = [1, \"]\", { d = '}' }]\n[[u]]\n\"k.k\" = 1979-05-27\n", "", ""},
		{TOML, "s = \"\"\"a\n=[[[ \\\"\"\\\" \n\"\"\"\nt = ''''a''''\n", "", ""},
		{TOML, "a = 1\na = 2\n", "line 2, column 7: not valid TOML", "Key 'a' has already been defined."},
		{TOML, "a = \n", "line 1, column 5: not valid TOML", "expected value but found '\\n' instead"},
		{TOML, "a = 1 b = 2\n", "line 1, column 6: not valid TOML", "expected a top-level item to end with a newline, comment, or EOF, but got 'b' instead"},
		{TOML, "SECRET\n", "line 1, column 7: not valid TOML", "expected '.' or '=', but got '\\n' instead"},
		{TOML, "a = \"SECRET\nb = 1\n", "line 1, column 12: not valid TOML", "strings cannot contain newlines"},
		{TOML, "a = " + strings.Repeat("9", 1000), "line 1, column 5: not valid TOML", strings.Repeat("9", 300)},
		{TOML, "a = 99999999999999999999", "line 1, column 5: not valid TOML", "99999999999999999999 is out of range for int64"},

		{HCL, "", "", ""},
		{HCL, "a = 1\nb \"c\" {\n  d = [for x in y : \"${x}-${z}\" if x != 2]\n}\n", "", ""},
		{HCL, "a = not_there(1)\n", "", ""},
		{HCL, "a = <<EOT\n%{ if x }y%{ endif }\nEOT\n", "", ""},
		{HCL, "a = 1\na = 2\n", "line 2, column 1: not valid HCL", "Attribute redefined; The argument \"a\" was already set at out:1,1-2. Each argument may be set only once."},
		{HCL, "a {\n  b = \n}\n", "line 2, column 7: not valid HCL", "Invalid expression; Expected the start of an expression, but found an invalid expression token."},
		{HCL, "a {\n", "line 1, column 3: not valid HCL", "Unclosed configuration block; There is no closing brace for this block before the end of the file. This may be caused by incorrect brace nesting elsewhere in this file."},
		{HCL, "SECRET\n", "line 1, column 1: not valid HCL", "Argument or block definition required; An argument or block definition is required here. To set an argument, use the equals sign \"=\" to introduce the argument value."},

		{XML, "<a/>", "", ""},
		{XML, "\uFEFF<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!DOCTYPE a>\n<!-- c --><a x=\"1\" y='2'>&lt;&#65;<b/></a>\n<!-- end -->\n", "", ""},
		{XML, "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xe9</a>", "", ""},
		{XML, "<a xmlns:x=\"u\" xmlns:y=\"u\" x:k=\"1\" k=\"2\"/>", "", ""},
		{XML, "", "line 1, column 1: no root element", ""},
		{XML, "<!-- c -->", "line 1, column 11: no root element", ""},
		{XML, "<a>\n</b>", "line 2, column 5: not well-formed XML", "element <a> closed by </b>"},
		{XML, "<a/><b/>", "line 1, column 5: a second root element", ""},
		{XML, "<a/>SECRET", "line 1, column 5: text outside the root element", ""},
		{XML, "SECRET<a/>", "line 1, column 1: text outside the root element", ""},
		{XML, "<a>&SECRET;</a>", "line 1, column 12: not well-formed XML", "invalid character entity &SECRET;"},
		{XML, "<!DOCTYPE a [<!ENTITY e \"x\">]><a>&e;</a>", "line 1, column 37: not well-formed XML", "invalid character entity &e;"},
		{XML, "<a b=\"1\" b=\"2\"/>", "line 1, column 1: an attribute that the element has already", ""},
		{XML, "<a b/>", "line 1, column 6: not well-formed XML", "attribute name without = in element"},
		{XML, "<a>", "line 1, column 4: not well-formed XML", "unexpected EOF"},
		{XML, " <?xml version=\"1.0\"?><a/>", "line 1, column 2: an XML declaration that is not at the beginning", ""},
		{XML, "<?xml version=\"1.0\" encoding=\"SECRET\"?><a/>", "line 1, column 40: not well-formed XML", "xml: opening charset \"SECRET\": unknown encoding"},
		{XML, "<?xml version=\"1.1\"?><a/>", "line 1, column 22: not well-formed XML", "xml: unsupported version \"1.1\"; only version 1.0 is supported"},

		{X509, "", "no PEM block", ""},
		{X509, "<no value>", "no PEM block", ""},
		{X509, "-----BEGIN CERTIFICATE-----\nSECRET\n", "line 1, column 1: a PEM block that cannot be read", ""},
		{X509, "x\n  -----BEGIN CERTIFICATE-----\n", "line 2, column 3: a PEM block that cannot be read", ""},
		{X509, "-----END CERTIFICATE-----\n", "line 1, column 1: a PEM block that cannot be read", ""},
		{X509, "\n-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n", "line 2, column 1: a PEM block that cannot be read", ""},
		{X509, "-----BEGIN EC PARAMETERS-----\nAAAA\n-----END EC PARAMETERS-----\n-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n-----BEGIN EC PARAMETERS-----\nAAAA\n-----END EC PARAMETERS-----\n", "line 4, column 1: a PEM block that cannot be read", ""},
		{X509, "-----END CERTIFICATE-----\n-----BEGIN EC PARAMETERS-----\nAAAA\n-----END EC PARAMETERS-----\n", "line 1, column 1: a PEM block that cannot be read", ""},
		{X509, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "line 1: a certificate that cannot be parsed", "x509: malformed certificate"},
		{X509, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "line 1: a private key that cannot be parsed", "asn1: structure error: tags don't match (16 vs {class:0 tag:0 length:0 isCompound:false}) {optional:false explicit:false application:false private:false defaultValue:<nil> tag:<nil> stringType:0 timeType:0 set:false omitEmpty:false} pkcs8 @2"},
		{X509, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n", "line 1: a private key that is encrypted", ""},
		{X509, "-----BEGIN SECRET-----\nAAAA\n-----END SECRET-----\n", "line 1: a PEM block that is neither a certificate nor a private key", ""},
	}
	for _, test := range tests {
		t.Run(string(test.format)+"/"+test.content, func(t *testing.T) {
			file := File{Name: "out", Content: []byte(test.content), Secret: true}
			if got, want := text(Check(test.format, file, noon)), said("out: ", test.want, ""); got != want {
				t.Errorf("Check(%s, %q) of a secret file\n got %q\nwant %q", test.format, test.content, got, want)
			}
			file.Secret = false
			if got, want := text(Check(test.format, file, noon)), said("out: ", test.want, test.detail); got != want {
				t.Errorf("Check(%s, %q)\n got %q\nwant %q", test.format, test.content, got, want)
			}
		})
	}
}

// text returns what an error says, "" for none.
func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// said returns the text of an error.
func said(name, what, says string) string {
	switch {
	case what == "":
		return ""
	case says == "":
		return name + what
	}
	return name + what + ": " + says
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
	err := Check(f, File{Name: "out", Content: []byte(content), Secret: true}, noon)
	if err == nil {
		return
	}
	if strings.Contains(strings.ToLower(err.Error()), strings.ToLower(secret)) || strings.ContainsAny(err.Error(), "\n\r\x00") {
		t.Errorf("%s of %q: %q", f, content, err)
	}
}
