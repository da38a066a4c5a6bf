package config

import (
	"fmt"
	"slices"
	"strings"

	"restencil/cmd/restencil/config/setting"
	"restencil/watch/suggest"
)

// A Bundle is a named bundle: the files of its templates change together or
// not at all.
type Bundle struct {
	setting.Origins
	Change
	OnTimeout string // the key rolling.on_timeout
}

func (b *Bundle) instance() setting.Instance {
	return setting.Instance{Label: &b.Name, Origins: &b.Origins, Settings: slices.Concat(
		b.commandSettings(),
		[]setting.Setting{
			{Key: "reload", To: setting.Command(&b.Reload.Args), WhenSet: true, Help: "Another name of command."},
			{Key: "min_interval", To: setting.AtLeast(0, &b.MinInterval),
				Help: "The least time between two runs of the command; 0 for none. Changes in between are applied together at its end."},
			{Key: "splay", To: setting.AtLeast(0, &b.Splay),
				Help: "Each change waits for a random time up to this, once, before it is checked, so that many hosts do not make it at the same time; 0 for none."},
			{Key: "rolling", Block: []setting.Setting{
				{Key: "limit", To: setting.AtLeast(0, &b.Rolling.Limit),
					Help: "How many hosts of the fleet make a change at a time; 0 for any number."},
				{Key: "key", To: &b.Rolling.Key,
					Help: "The prefix of keys in Consul that the hosts have in common, such as restencil/web. The token needs key:write for it, and session:write for the node."},
				{Key: "timeout", To: setting.AtLeast(0, &b.Rolling.Timeout),
					Help: "How long a change waits for other hosts; 0 for no limit."},
				{Key: "on_timeout", To: setting.OneOf("<what>", &b.OnTimeout, "", "wait", "proceed"),
					Help: "What to do after that: wait on and say so, or proceed without the others. wait if not given."},
				{Key: "stop_on_failure", To: &b.Rolling.StopOnFailure,
					Help: "After a reload or verify that fails, no other host goes on until somebody runs restencil accept on one of them."},
			}},
			{Key: "retry", Block: []setting.Setting{
				{Key: "backoff", To: setting.AtLeast(0, &b.Retry.Base),
					Help: "How long to wait after the first failure of a change; doubled after each. 1s if not given."},
				{Key: "max_backoff", To: setting.AtLeast(0, &b.Retry.Max),
					Help: "How long to wait at most. 1m if not given."},
			}},
		},
		b.Change.settings(),
	)}
}

// verifies returns the conditions of a bundle and of its templates.
func (c *Config) verifies(b *Bundle) []*Verify {
	all := slices.Clone(b.Verify)
	for _, t := range c.Templates {
		if t.Bundle == b.Name {
			all = append(all, t.Verify...)
		}
	}
	return all
}

// bundle returns the bundle of a name, nil if there is none.
func (c *Config) bundle(name string) *Bundle {
	for _, b := range c.Bundles {
		if b.Name == name {
			return b
		}
	}
	return nil
}

// checkBundles validates the bundles and templates. A template that is a bundle by
// itself has its destination as the bundle's name.
func (c *Config) checkBundles() []error {
	var errs []error
	byName := make(map[string]setting.Origin)
	checkName := func(name string, at setting.Origin) {
		if first, ok := byName[name]; ok {
			errs = append(errs, at.Wrong(fmt.Sprintf("there are two bundles %q", name), "the other one is at "+first.String()))
			return
		}
		byName[name] = at
	}
	for _, b := range c.Bundles {
		if b.Name == "" {
			errs = append(errs, b.At.Wrong("a bundle's name cannot be empty", ""))
		}
		if b.IsSet("reload") && b.IsSet("command") {
			errs = append(errs, b.Origin("reload").Wrong("reload and command are the same: one of them is too many", ""))
		}
		if b.Rolling.Limit > 0 && c.Consul.Local != "" {
			c.warn(b.Origin("rolling.limit"), "rolling has no effect with a data file in place of Consul: nothing tells of other hosts", "")
		}
		switch r := &b.Rolling; {
		case r.Limit > 0 && r.Key == "":
			errs = append(errs, b.Origin("rolling.limit").Wrong("rolling needs a key", "write key = \"restencil/"+b.Name+"\": hosts with the same key wait for each other"))
		case r.Limit == 0 && r.Key != "":
			errs = append(errs, b.Origin("rolling.key").Wrong("rolling needs a limit", "write limit = 1: how many hosts change at a time"))
		}
		errs = append(errs, b.check(&b.Origins)...)
		checkName(b.Name, b.At)
	}
	for _, t := range c.Templates {
		errs = append(errs, t.check(&t.Origins)...)
		if strings.Contains(t.Options.ForEach, "{{") {
			errs = append(errs, t.Origin("for_each").Wrong("for_each is a list without braces", "take {{ and }} away"))
		}
		if t.Bundle != "" {
			errs = append(errs, t.checkMember(c)...)
		} else if t.isBundle() {
			checkName(t.File.Destination, t.At)
		} else if b := c.bundle(t.File.Destination); b != nil && t.File.Destination != "" {
			errs = append(errs, b.At.Wrong(fmt.Sprintf("bundle %q has the name of the destination of a template that does not belong to it", b.Name), "give it another name"))
		}
	}
	return errs
}

// checkMember rejects settings of a template in a bundle that only the bundle can have,
// because they would be ignored.
func (t *Template) checkMember(c *Config) []error {
	b := c.bundle(t.Bundle)
	if b == nil {
		var names []string
		for _, b := range c.Bundles {
			names = append(names, b.Name)
		}
		return []error{t.Origin("bundle").Wrong(fmt.Sprintf("there is no bundle %q", t.Bundle), suggest.Hint(t.Bundle, names))}
	}
	var errs []error
	for _, key := range []string{"rollback", "exit_on_failure", "guard.max_removed"} {
		if t.IsSet(key) && (key != "guard.max_removed" || t.Guard.MaxRemoved > 0) {
			errs = append(errs, t.Origin(key).Wrong(fmt.Sprintf("%s counts for all of bundle %q", key, b.Name), "write it in the bundle"))
		}
	}
	if setting.IsCommand(t.Exec.Args) && !slices.Equal(t.Exec.Args, b.Exec.Args) {
		at := t.Origin("command")
		if t.IsSet("exec.command") {
			at = t.Origin("exec.command")
		}
		errs = append(errs, at.Wrong(fmt.Sprintf("the command of bundle %q is run, and this one would not be", b.Name), "write it in the bundle"))
	}
	return errs
}
