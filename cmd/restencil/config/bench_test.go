package config

import (
	"strings"
	"testing"
)

// BenchmarkDecode reads a file of 1,000 templates.
func BenchmarkDecode(b *testing.B) {
	block := `template { source = "/etc/templates/one.ctmpl" destination = "/etc/one" perms = 0644 command = "service x reload" wait { min = "1s" } }`
	object := `{"source": "/etc/templates/one.ctmpl", "destination": "/etc/one", "perms": "0644", "command": "service x reload", "wait": {"min": "1s"}}`
	for name, text := range map[string]string{
		"hcl":  strings.Repeat(block+"\n", 1000),
		"json": `{"template": [` + strings.Repeat(object+",", 1000) + `]}`,
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := newConfig(nil).decode("f", text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
