package config

import (
	"maps"
	"slices"

	"restencil/runner"
	"restencil/runner/guard"
	"restencil/runner/probe"
	"restencil/watch"
)

// isBundle reports whether a template is a bundle by itself: it belongs to
// none and has what only bundles have.
func (t *Template) isBundle() bool {
	if t.Bundle != "" || t.Destination == "" {
		return false
	}
	return len(t.Verify) > 0 || t.Format != "" || !emptyCommand(t.Check) ||
		t.isSet("rollback") || t.isSet("exit_on_failure") || t.guarded()
}

// guarded reports whether a template has a guard of its own.
func (t *Template) guarded() bool {
	return slices.ContainsFunc(guardSettings(&t.Guard), func(s setting) bool { return t.isSet("guard." + s.key) })
}

// verifies returns what must hold for a bundle: its own, and those of its
// templates.
func (c *Config) verifies(b *Bundle) []Verify {
	all := slices.Clone(b.Verify)
	for i := range c.Templates {
		if t := &c.Templates[i]; t.Bundle == b.Name {
			all = append(all, t.Verify...)
		}
	}
	return all
}

// runnerBundles returns the bundles: the named ones, then the templates that
// are one by themselves.
func (c *Config) runnerBundles() []runner.Bundle {
	var all []runner.Bundle
	for i := range c.Bundles {
		all = append(all, c.runnerBundle(&c.Bundles[i]))
	}
	for i := range c.Templates {
		if t := &c.Templates[i]; t.isBundle() {
			all = append(all, c.bundleOf(t))
		}
	}
	return all
}

func (c *Config) runnerBundle(b *Bundle) runner.Bundle {
	check := Exec{Command: b.Check, Timeout: b.CheckTimeout, Env: b.Exec.Env}
	return runner.Bundle{
		Name:          b.Name,
		Check:         c.runnerCommand(&check),
		Command:       c.runnerCommand(&b.Exec),
		Verify:        probes(c.verifies(b)),
		Rollback:      b.Rollback,
		Wait:          c.runnerWait(b.Wait),
		Guard:         b.Guard.rules(),
		MinInterval:   b.MinInterval,
		Retry:         watch.Backoff{Base: b.Retry.Backoff, Max: b.Retry.MaxBackoff},
		ExitOnFailure: b.ExitOnFailure,
	}
}

// bundleOf returns the bundle that a template is by itself. The template keeps
// its check and format.
func (c *Config) bundleOf(t *Template) runner.Bundle {
	return runner.Bundle{
		Name:          t.Destination,
		Command:       c.runnerCommand(&t.Exec),
		Verify:        probes(t.Verify),
		Rollback:      t.Rollback,
		Wait:          c.runnerWait(t.Wait),
		Guard:         t.Guard.rules(),
		ExitOnFailure: t.ExitOnFailure,
	}
}

func (g Guard) rules() guard.Rules {
	return guard.Rules{
		NotEmpty:     g.NotEmpty,
		MinBytes:     g.MinBytes,
		MaxShrink:    g.MaxShrink,
		MinInstances: maps.Clone(g.MinInstances),
	}
}

func probes(all []Verify) []probe.Probe {
	var found []probe.Probe
	for i := range all {
		found = append(found, all[i].probe())
	}
	return found
}

func (v *Verify) probe() probe.Probe {
	return probe.Probe{
		Args:       v.Command,
		HTTP:       v.HTTP,
		TCP:        v.TCP,
		Host:       v.Host,
		Status:     v.Status,
		SkipVerify: v.SkipVerify,
		For:        v.For,
		Within:     v.Within,
		Interval:   v.Interval,
		Timeout:    v.Timeout,
	}
}
