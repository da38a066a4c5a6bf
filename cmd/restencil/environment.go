package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"restencil/cmd/restencil/config"
)

// runWithEnvironment runs a command as the program of the configuration, with the
// variables that templates give it, and without the files.
func runWithEnvironment(ctx context.Context, p program, s *subcommand) error {
	end := slices.Index(s.Args, "--")
	if end < 0 {
		end = len(s.Args)
	}
	p.Args = s.Args[:end]
	p.Adjust = func(cfg *config.Config) { // the daemon with this configuration may run, too
		cfg.Templates, cfg.Bundles = nil, nil
		cfg.State.Dir, cfg.Status.Address, cfg.Process.PidFile = config.StateNone, "", ""
		if command := s.Args[min(end+1, len(s.Args)):]; len(command) > 0 {
			cfg.Exec.Args = command
		}
	}
	cfg, err := p.Parse()
	switch {
	case err != nil:
		return err
	case len(s.Args) <= end+1:
		return &config.Error{Code: config.ExitFlags, Err: fmt.Errorf("which command to run is missing: restencil env [flags] %s", s.usage)}
	case len(cfg.Exec.Variables) == 0:
		return &config.Error{Code: config.ExitFlags, Err: errors.New("there is no variable: write blocks env_template in the block exec of the configuration (-config)")}
	}
	if code := p.Serve(ctx, cfg); code != 0 {
		return exitStatus(code)
	}
	return nil
}
