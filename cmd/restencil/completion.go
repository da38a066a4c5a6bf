package main

import (
	"context"
	"embed"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/config/setting"
)

// completions has the scripts of the shells. All ask the program itself, with the words
// of the command line up to the cursor; where it knows none, they complete files.
//
//go:embed completion
var completions embed.FS

// askTimeout bounds how long a completion waits for a daemon.
const askTimeout = time.Second

// printCompletion prints the script of a shell or, after --, what the last of the words
// can be.
func printCompletion(ctx context.Context, p program, s *subcommand) error {
	if len(s.Args) > 0 && s.Args[0] == "--" {
		words := s.Args[1:]
		if len(words) == 0 {
			words = []string{""}
		}
		for _, found := range p.complete(ctx, words) {
			fmt.Fprintln(p.Stdout, found)
		}
		return nil
	}
	if len(s.Args) == 1 {
		if script, err := completions.ReadFile("completion/" + s.Args[0]); err == nil {
			_, err = p.Stdout.Write(script)
			return err
		}
	}
	return &config.Error{Code: config.ExitFlags, Err: fmt.Errorf("usage: restencil %s %s", s.name, s.usage)}
}

// complete returns what the last word of a command line can be, nil where it is a file
// or not known.
func (p program) complete(ctx context.Context, words []string) []string {
	last := words[len(words)-1]
	before := words[:len(words)-1]
	if last == "=" { // bash takes -flag=value for three words
		last = ""
	} else if n := len(before); n > 1 && before[n-1] == "=" {
		before = before[:n-1]
	}
	var about *subcommand
	if len(before) > 0 && !strings.HasPrefix(before[0], "-") {
		if about = findSubcommand(before[0]); about == nil {
			return nil
		}
	}
	previous := ""
	if len(before) > 0 && strings.HasPrefix(before[len(before)-1], "-") {
		previous = strings.TrimLeft(before[len(before)-1], "-")
	}
	var all []string
	flags := flagsOf(about)
	at := slices.IndexFunc(flags, func(f setting.Flag) bool { return f.Arg != "" && slices.Contains(f.Names, previous) })
	switch dash := last[:len(last)-len(strings.TrimLeft(last, "-"))]; {
	case at >= 0: // it is the value of a flag
		all = flags[at].Choices()
	case dash != "":
		for _, f := range flags {
			for _, name := range f.Names {
				all = append(all, dash+name)
			}
		}
		slices.Sort(all)
		all = slices.Compact(all)
	case len(before) == 0:
		for _, s := range subcommands() {
			all = append(all, s.name)
		}
	case about != nil:
		all = about.argumentWords(ctx, p, before[1:])
	}
	return slices.DeleteFunc(slices.Clone(all), func(word string) bool { return !strings.HasPrefix(word, last) })
}

// flagsOf returns the flags of a command, nil for the program itself.
func flagsOf(about *subcommand) (flags []setting.Flag) {
	if about != nil && !about.own {
		about.flags().VisitAll(func(f *flag.Flag) {
			arg, _, _ := strings.Cut(f.Usage, ":")
			flags = append(flags, setting.Flag{Names: []string{f.Name}, Arg: strings.TrimSpace(arg)})
		})
	}
	if about == nil || about.name == "record" || about.name == "env" || about.name == "diff" {
		for _, g := range setting.Groups(config.Settings()) {
			flags = append(flags, g.Flags...)
		}
	}
	return flags
}

// argumentWords returns what an argument of s can be, after these.
func (s *subcommand) argumentWords(ctx context.Context, p program, before []string) (all []string) {
	switch {
	case s.name == "completion":
		return []string{"bash", "fish", "zsh"}
	case s.name == "help":
		for _, other := range subcommands() {
			all = append(all, other.name)
		}
		return all
	case !strings.Contains(s.usage, "BUNDLE"):
		return nil
	}
	_ = s.parse(before) // for the flags that say which daemon
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	s.Environ = p.Environ
	return s.Bundles(ctx)
}
