package format

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
)

// TestHostile is about what would end the process, fill its memory or take for
// ever, if there were more of it.
func TestHostile(t *testing.T) {
	const n = 20_000
	const deep, long = "nested too deep", "keys too many or too long"
	repeat := strings.Repeat
	tests := []struct {
		name    string
		format  Format
		content string
		want    string
	}{
		{"json arrays", JSON, repeat("[", n), "exceeded max depth"},
		{"json objects", JSON, repeat(`{"":`, n), "exceeded max depth"},
		{"yaml flow", YAML, repeat("[", n), "exceeded max depth"},
		{"yaml block", YAML, repeat("- ", n), "exceeded max depth"},
		{"yaml maps", YAML, repeat("{a: ", n), "exceeded max depth"},
		{"yaml keys", YAML, repeat("? ", n), "exceeded max depth"},
		{"yaml laughs", YAML, laughs(30), ""},
		{"yaml one line", YAML, repeat("a: ", n), "not allowed"},
		{"yaml documents", YAML, repeat("---\n", n), ""},
		{"toml arrays", TOML, "a = " + repeat("[", n), deep},
		{"toml tables", TOML, "a = " + repeat("{a = ", n), deep},
		{"toml dotted", TOML, repeat("a.", n) + "a = 1", long},
		{"toml dotted table", TOML, "[" + repeat("a.", n) + "a]", long},
		{"toml long table", TOML, "[" + repeat("a", n) + "]\n" + numbered("k%d = 1\n", n), long},
		{"toml long array of tables", TOML, "[[" + repeat("a", n) + "]]\n" + numbered("k%d = 1\n", n), long},
		{"toml long inline table", TOML, repeat("a", n) + " = {" + numbered("k%d = 1, ", n) + "k = 1}", long},
		{"toml long table in an array", TOML, "x = [\n{" + repeat("a", n) + " = {" + numbered("k%d = 1, ", n) + "k = 1}}]", long},
		{"toml flat", TOML, numbered("[t%d]\na.b = [[1.5], [2]]\nc = {d = 1}\n", n/4), ""},
		{"toml long string", TOML, "a = \"\"\"" + repeat("\\\n ", n) + "\"\"\"", ""},
		{"toml flat strings", TOML, "a = '" + repeat("[", n) + "'\nb = \"" + repeat(`{\"`, n) + "\" # " + repeat("[", n) + "\nc = '''" + repeat("\n['", n) + " '''\n", ""},
		{"hcl arrays", HCL, "a = " + repeat("[", n), deep},
		{"hcl arrays with more", HCL, "a = " + repeat("[a, ", n), deep},
		{"hcl parentheses", HCL, "a = " + repeat("(\n", n), deep},
		{"hcl not", HCL, "a = " + repeat("!", n) + "b", deep},
		{"hcl minus", HCL, "a = (" + repeat("-\n", n) + "1)", deep},
		{"hcl not in for", HCL, "a = {for k, v in m : k => " + repeat("!\n", n) + "v}", deep},
		{"hcl conditions", HCL, "a = " + repeat("b?", n), deep},
		{"hcl else", HCL, "a = " + repeat("b(1, 2)?c:", n) + "d", deep},
		{"hcl splats", HCL, "a = b" + repeat("[*]", n), deep},
		{"hcl templates", HCL, "a = " + repeat("\"${", n), deep},
		{"hcl directives", HCL, "a = \"" + repeat("%{if b}", n) + "\"", deep},
		{"hcl blocks", HCL, repeat("a {\n", n), deep},
		{"hcl mismatched", HCL, "a = " + repeat("([)", n), deep},
		{"hcl flat directives", HCL, "a = \"" + repeat("%{if b}c%{endif}", n/4) + "\"", ""},
		{"hcl flat conditions", HCL, "a = [" + repeat("!b ? -c : d,", n/4) + "]\n" + repeat("x {\n a = !b ? -c : d[*]\n}\n", n/4), ""},
		{"hcl flat lines", HCL, "x {\n" + numbered("k%d = -1\n", 5_000) + "}\n", ""},
		{"hcl digits", HCL, "a = " + repeat("9", n), "a number that is too long"},
		{"hcl exponent", HCL, "a = 1e999999999", ""},
		{"xml elements", XML, repeat("<a>", n), "unexpected EOF"},
		{"xml attributes", XML, "<a " + numbered("k%d=\"\" ", n) + "/>", ""},
		{"xml laughs", XML, "<!DOCTYPE a [<!ENTITY b \"bbbb\"><!ENTITY c \"&b;&b;\">]><a>&c;</a>", "invalid character entity"},
		{"x509 begins", X509, repeat("-----BEGIN CERTIFICATE-----\n", n), "cannot be read"},
		{"x509 parameters", X509, repeat("-----BEGIN EC PARAMETERS-----\nAAAA\n-----END EC PARAMETERS-----\n", n), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := Check(test.format, File{Name: "out", Content: []byte(test.content)}, noon)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// numbered returns pattern for each number below n.
func numbered(pattern string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, pattern, i)
	}
	return b.String()
}

// laughs returns YAML of which the value would be 10 to the n lists.
func laughs(n int) string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x]\n")
	for i := range n {
		alias := fmt.Sprintf("*a%d, ", i)
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i+1, i+1, strings.Repeat(alias, 10))
	}
	return b.String()
}

// FuzzCheck is about panics, hangs and errors that a log could not take.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "a: &x [1]\nb: *x\n", "[a.b]\nc.d = {e = '1'}\nf = \"\"\"x\"\"\"\n",
		"a \"b\" {\n c = [for x in y : \"${x}\"]\n d = <<E\n%{if x}y%{endif}\nE\n}\n",
		"<?xml version=\"1.0\"?><a b='c'>&lt;<!-- d --><![CDATA[e]]></a>",
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, format := range All() {
			err := Check(format, File{Name: "out", Content: content}, noon)
			if err == nil {
				continue
			}
			if strings.ContainsFunc(err.Error(), unicode.IsControl) || !strings.HasPrefix(err.Error(), "out: ") {
				t.Errorf("%s: %q", format, err)
			}
		}
		_ = Pair([]File{{Name: "a", Content: content}, {Name: "b", Content: content}}, noon)
	})
}
