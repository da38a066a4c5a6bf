package main

import (
	"context"
	"slices"
	"strings"

	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/service"
)

// planArgs returns the flags of the program in the arguments of the command diff,
// where it is to ask no daemon: that is when there is a flag which only the program
// has. A bundle stands before them.
func planArgs(args []string) (flags []string, bundle string, asJSON, ok bool) {
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		bundle, args = args[0], args[1:]
	}
	for _, arg := range args {
		name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		switch {
		case !strings.HasPrefix(arg, "-"):
			flags = append(flags, arg)
		case name == "json":
			asJSON = true
		default:
			ok = ok || !slices.Contains([]string{"state-dir", "h", "help"}, name)
			flags = append(flags, arg)
		}
	}
	return flags, bundle, asJSON, ok
}

// diffConfig does what restencil diff is to do without a daemon, and returns the exit
// code.
func (p program) diffConfig(ctx context.Context, flags []string) int {
	p.Args = append([]string{"-diff"}, flags...)
	cfg, err := p.Parse()
	if err == nil {
		return p.Serve(ctx, cfg)
	}
	return p.Failed(&config.Error{Code: service.ExitDiffFailed, Err: err})
}
