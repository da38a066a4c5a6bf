package format

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestHostile is about what would end the process, fill its memory or take for
// ever.
func TestHostile(t *testing.T) {
	const n = 400_000 // stacks overflow before that
	repeat := strings.Repeat
	tests := []struct {
		name    string
		format  Format
		content string
		wrong   bool
	}{
		{"json arrays", JSON, repeat("[", n), true},
		{"json objects", JSON, repeat(`{"":`, n), true},
		{"yaml flow", YAML, repeat("[", n), true},
		{"yaml block", YAML, repeat("- ", n), true},
		{"yaml maps", YAML, repeat("{a: ", n), true},
		{"yaml keys", YAML, repeat("? ", n), true},
		{"yaml laughs", YAML, laughs(30), false},
		{"yaml one line", YAML, repeat("a: ", n), true},
		{"yaml documents", YAML, repeat("---\n", n), false},
		{"toml arrays", TOML, "a = " + repeat("[", n), true},
		{"toml tables", TOML, "a = " + repeat("{a = ", n), true},
		{"toml dotted", TOML, repeat("a.", n) + "a = 1", true},
		{"toml dotted table", TOML, "[" + repeat("a.", n) + "a]", true},
		{"toml long table", TOML, "[" + repeat("a", n) + "]\n" + numbered("k%d = 1\n", 20_000), true},
		{"toml long inline table", TOML, repeat("a", n) + " = {" + numbered("k%d = 1, ", 20_000) + "k = 1}", true},
		{"toml long string", TOML, "a = \"\"\"" + repeat("\\\n ", n) + "\"\"\"", false},
		{"hcl arrays", HCL, "a = " + repeat("[", n), true},
		{"hcl parentheses", HCL, "a = " + repeat("(\n", n), true},
		{"hcl not", HCL, "a = " + repeat("!", n) + "b", true},
		{"hcl minus", HCL, "a = (" + repeat("-\n", n) + "1)", true},
		{"hcl not in for", HCL, "a = {for k, v in m : k => " + repeat("!\n", n) + "v}", true},
		{"hcl conditions", HCL, "a = " + repeat("b?", n), true},
		{"hcl else", HCL, "a = " + repeat("b?c:", n) + "d", true},
		{"hcl splats", HCL, "a = b" + repeat("[*]", n), true},
		{"hcl templates", HCL, "a = " + repeat("\"${", n), true},
		{"hcl directives", HCL, "a = \"" + repeat("%{if b}", n) + "\"", true},
		{"hcl blocks", HCL, repeat("a {\n", n), true},
		{"hcl flat directives", HCL, "a = \"" + repeat("%{if b}c%{endif}", n/10) + "\"", false},
		{"hcl flat conditions", HCL, "a = [" + repeat("!b ? -c : d,", n/10) + "]\n" + repeat("x {\n a = !b ? -c : d[*]\n}\n", n/100), false},
		{"hcl flat lines", HCL, "x {\n" + numbered("k%d = -1\n", 5_000) + "}\n", false},
		{"toml flat strings", TOML, "a = '" + repeat("[", 5_000) + "'\nb = \"" + repeat(`{\"`, 5_000) + "\" # " + repeat("[", 5_000) + "\nc = '''" + repeat("\n['", 5_000) + " '''\n", false},
		{"hcl digits", HCL, "a = " + repeat("9", n), true},
		{"hcl exponent", HCL, "a = 1e999999999", false},
		{"hcl mismatched", HCL, "a = " + repeat("([)", n), true},
		{"xml elements", XML, repeat("<a>", n), true},
		{"xml attributes", XML, "<a " + numbered("k%d=\"\" ", 100_000) + "/>", false},
		{"xml laughs", XML, "<!DOCTYPE a [<!ENTITY b \"bbbb\"><!ENTITY c \"&b;&b;\">]><a>&c;</a>", true},
		{"x509 begins", X509, repeat("-----BEGIN CERTIFICATE-----\n", n/10), true},
		{"x509 parameters", X509, repeat("-----BEGIN EC PARAMETERS-----\nAAAA\n-----END EC PARAMETERS-----\n", n/50), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			start := time.Now()
			err := Check(test.format, "out", []byte(test.content), noon)
			t.Logf("%v after %v", err, time.Since(start))
			if (err != nil) != test.wrong {
				t.Errorf("got %v, want an error: %v", err, test.wrong)
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("took %v", took)
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
		for _, format := range all {
			err := Check(format, "out", content, noon)
			if err == nil {
				continue
			}
			if strings.ContainsAny(err.Error(), "\r\n") || !strings.HasPrefix(err.Error(), "out: ") {
				t.Errorf("%s: %q", format, err)
			}
		}
		_ = Pair([]X509File{{Name: "a", Content: content}, {Name: "b", Content: content}}, noon)
	})
}
