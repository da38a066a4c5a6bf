package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/mitchellh/go-wordwrap"

	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/config/setting"
)

// manualDate is when the form of the pages was last changed.
const manualDate = "2026-11-30"

// printMan prints a manual page, made of what -help prints.
func printMan(_ context.Context, p program, s *subcommand) error {
	page := commandPage()
	switch {
	case slices.Equal(s.Args, []string{"5"}):
		page = configurationPage()
	case len(s.Args) > 0 && s.Args[0] != "1":
		return &config.Error{Code: config.ExitFlags, Err: fmt.Errorf("usage: restencil %s %s", s.name, s.usage)}
	}
	_, err := fmt.Fprint(p.Stdout, page)
	return err
}

// commandPage returns restencil(1).
func commandPage() string {
	var b strings.Builder
	b.WriteString(".TH RESTENCIL 1 " + manualDate + "\n.SH NAME\nrestencil \\- keeps files in step with live data\n.SH SYNOPSIS\n" +
		".B restencil\n[flags]\n.br\n.B restencil\nCOMMAND [flags] [ARGUMENTS]\n.SH DESCRIPTION\n" +
		roff("restencil renders templates from Consul, Vault or a file, puts the files in place and runs commands, again and again as the data changes.") + "\n.SH COMMANDS\n")
	for _, s := range subcommands() {
		fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(strings.TrimSpace("restencil "+s.name+" "+s.usage)), roff(s.help))
	}
	b.WriteString(".SH OPTIONS\nDurations are written like 250ms, 30s or 1h30m. What a flag says wins over files, and\nfiles over environment variables.\n")
	for _, g := range setting.Groups(config.Settings()) {
		fmt.Fprintf(&b, ".SS %s\n", roff(g.Name))
		for _, f := range g.Flags {
			b.WriteString(entry("-", f))
		}
	}
	b.WriteString(".SH EXIT STATUS\n")
	for _, e := range exitCodes {
		fmt.Fprintf(&b, ".TP\n.B %d\n%s\n", e.code, roff(e.meaning))
	}
	b.WriteString(".PP\nOthers are those of the program of \\-exec.\n.SH SEE ALSO\n.BR restencil (5)\n")
	return b.String()
}

// configurationPage returns restencil(5).
func configurationPage() string {
	var b strings.Builder
	b.WriteString(".TH RESTENCIL 5 " + manualDate + "\n.SH NAME\nrestencil \\- configuration of restencil(1)\n.SH DESCRIPTION\n" +
		"A configuration is a file, or all files of a directory, in HCL or JSON. The names of blocks\nstand before the keys in them: wait.min is min in the block wait.\n.SH KEYS\n")
	for _, k := range setting.Described(config.Settings()) {
		b.WriteString(entry("", k))
	}
	b.WriteString(".SH SEE ALSO\n.BR restencil (1)\n")
	return b.String()
}

// entry returns the entry of a flag or key in a list.
func entry(dash string, f setting.Flag) string {
	names := dash + strings.Join(f.Names, ", "+dash)
	return fmt.Sprintf(".TP\n.B %s\n%s\n", strings.ReplaceAll(roff(strings.TrimSpace(names+" "+f.Arg)), "\n", " "), roff(f.Help))
}

// roff returns a text whose characters stand for themselves in a manual page.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "\n\n", "\n.sp\n", "…", "...").Replace(text)
	lines := strings.Split(wordwrap.WrapString(text, 78), "\n")
	for i, line := range lines {
		if line != ".sp" && (strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'")) {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
