package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"

	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/config/setting"
	"restencil/watch/suggest"
)

const usage = `Usage: restencil [flags]
       restencil COMMAND [flags] [ARGUMENTS]

Try a template, with data from a file in place of a server:

    restencil -local data.yaml -template web.conf.ctmpl:web.conf

Follow Consul, and reload a program when its file changes:

    restencil -consul-addr 127.0.0.1:8500 \
        -template "web.conf.ctmpl:/etc/nginx/conf.d/web.conf:nginx -s reload"

Run with a configuration file, or with all files of a directory:

    restencil -config /etc/restencil

restencil help shows all flags and commands, and restencil help COMMAND one
command.
`

// exitCodes are those of the program itself.
var exitCodes = []struct {
	code    int
	meaning string
}{
	{0, "all is done, with -once or a command"},
	{12, "it was asked to end, with SIGINT or SIGTERM"},
	{13, "a flag is wrong, or there is nothing to do"},
	{14, "something could not be done: a template, a command, the PID file"},
	{15, "a configuration file, or where to log, is wrong"},
}

func writeHelp(w io.Writer) error {
	var commands, codes strings.Builder
	for _, s := range subcommands() {
		first, _, _ := strings.Cut(s.help, "\n")
		fmt.Fprintf(&commands, "  %-10s %s\n", s.name, first)
	}
	for _, e := range exitCodes {
		fmt.Fprintf(&codes, "%4d  %s\n", e.code, e.meaning)
	}
	_, err := fmt.Fprintf(w, `restencil keeps files in step with live data: it renders templates, puts the
files in place and runs commands, again and again as the data changes.

%s
Commands:

%s
Flags. Durations are written like 250ms, 30s or 1h30m. What a flag says wins
over files, and files over environment variables.
%s
Exit codes:

%s  Others are those of the program of -exec.
`, usage, commands.String(), setting.Help(config.Settings()), codes.String())
	return err
}

// help shows what a command does, or all flags and commands.
func help(_ context.Context, p program, s *subcommand) error {
	if len(s.Args) == 0 {
		return writeHelp(p.Stdout)
	}
	about := findSubcommand(s.Args[0])
	if about == nil {
		return &config.Error{Code: config.ExitFlags, Err: unknownCommand(s.Args[0])}
	}
	_, err := io.WriteString(p.Stdout, about.text())
	return err
}

func (s *subcommand) text() string {
	text := fmt.Sprintf("Usage: restencil %s [flags] %s\n\n%s\n", s.name, s.usage, s.help)
	if s.name == "help" || s.name == "man" || s.own {
		return text
	}
	text += "\n"
	s.flags().VisitAll(func(f *flag.Flag) {
		value, does, _ := strings.Cut(f.Usage, ": ")
		text += fmt.Sprintf("  -%s%s\n      %s\n", f.Name, value, strings.ReplaceAll(does, "\n", "\n      "))
	})
	return text
}

func unknownCommand(name string) error {
	var names []string
	for _, s := range subcommands() {
		names = append(names, s.name)
	}
	return suggest.Unknown("command", name, names)
}
