package main

import (
	"context"
	"errors"
	"slices"

	"restencil/cmd/restencil/config"
)

// recordData prints what templates ask of live stores as a data file.
func recordData(ctx context.Context, p program, s *subcommand) error {
	p.Args = append(slices.Clone(s.Args), "-once", "-dry")
	cfg, err := p.Parse()
	switch {
	case err != nil:
		return err
	case len(cfg.Templates) == 0:
		return &config.Error{Code: config.ExitFlags, Err: errors.New("there is nothing to record: no template is given (-config or -template)")}
	}
	return p.Record(ctx, cfg)
}
