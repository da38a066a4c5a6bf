package config

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// masked stands for a secret that is set.
const masked = `"***"`

// Print writes the effective configuration as a file would have it, with the
// place where each value was written, and secrets masked.
func (c *Config) Print(w io.Writer) error {
	p := &printer{}
	for _, mode := range []struct {
		flag string
		on   bool
	}{{"-dry", c.Dry}, {"-parse-only", c.ParseOnly}} {
		if mode.on {
			p.line("# " + mode.flag)
		}
	}
	p.block("", c.settings(), c.origins)
	for i := range c.Bundles {
		b := &c.Bundles[i]
		p.repeated("bundle "+quote(b.Name), b.At, b.settings(), b.origins, b.Verify)
	}
	for i := range c.Templates {
		t := &c.Templates[i]
		p.repeated("template", t.At, t.settings(), t.origins, t.Verify)
	}
	_, err := io.WriteString(w, p.String())
	return err
}

// A printer writes nested blocks.
type printer struct {
	strings.Builder
	depth int
}

func (p *printer) line(text string) {
	if text != "" {
		text = strings.Repeat("  ", p.depth) + text
	}
	p.WriteString(text + "\n")
}

// repeated writes a block that there may be several of.
func (p *printer) repeated(head string, at Origin, settings []setting, origins map[string]Origin, verify []Verify) {
	p.line("")
	p.line(head + " { # " + at.String())
	p.depth++
	p.block("", settings, origins)
	for i := range verify {
		p.repeated("verify", verify[i].At, verify[i].settings(), verify[i].origins, nil)
	}
	p.depth--
	p.line("}")
}

// block writes the settings right below a block, then the blocks in it.
func (p *printer) block(block string, settings []setting, origins map[string]Origin) {
	var inner []string
	prefix := ""
	if block != "" {
		prefix = block + "."
	}
	for _, s := range settings {
		name, ok := strings.CutPrefix(s.key, prefix)
		if !ok || name == "" {
			continue
		}
		if child, _, nested := strings.Cut(name, "."); nested {
			_, there := origins[prefix+child]
			if !slices.Contains(inner, child) && (there || !s.optional) {
				inner = append(inner, child)
			}
			continue
		}
		p.setting(name, s, origins)
	}
	for _, child := range inner {
		p.line("")
		p.line(child + " {")
		p.depth++
		p.block(prefix+child, settings, origins)
		p.depth--
		p.line("}")
	}
}

// setting writes one line, for settings that a file can have.
func (p *printer) setting(name string, s setting, origins map[string]Origin) {
	at, written := origins[s.key]
	text := s.value.show()
	if text == "" || s.deprecated != "" || s.sets != nil || s.whenSet && !written {
		return
	}
	if s.secret && text != `""` {
		text = masked
	}
	line := fmt.Sprintf("%s = %s", name, text)
	if written {
		line += " # " + at.String()
	}
	p.line(line)
}
