package bundle

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"restencil/renderer"
	"restencil/runner/bundle/group"
	"restencil/runner/diff"
	"restencil/runner/event"
	"restencil/runner/process"
	"restencil/runner/templates"
)

// Plan returns what b would do with these outputs, by the index of the member, and
// changes nothing. It is called in place of Run, with Shared.Preview. texts are those of
// the templates, by destination. The error is that of files that cannot be written; the
// others are in the plan.
func Plan(ctx context.Context, b *Bundle, outputs map[int]templates.Result, texts map[string]string) (diff.Plan, error) {
	plan := diff.Plan{Files: []diff.Planned{}, Runs: []diff.Run{}}
	together := b.spec.Policy == group.Together
	if together {
		plan.Bundle = b.spec.Name
	}
	b.groups = group.NewSet(b.spec, true, func(event.Event) {})
	for _, i := range slices.Sorted(maps.Keys(outputs)) {
		f := b.groups.Take(i, outputs[i], time.Now())
		b.shared.Registry.SetSecrets(f.Key(), f.Secrets())
	}
	targets, held := b.groups.Plan()
	tx := b.transaction(ctx, targets)
	defer tx.Discard()
	tx.Stage(ctx)
	var changed []string
	var errs []error
	run := func(step event.Step, c process.Command, files ...string) {
		if !c.None() && len(files) > 0 {
			plan.Runs = append(plan.Runs, diff.Run{Step: string(step), Command: strings.Join(c.Args, " "), Files: files})
		}
	}
	for i, t := range targets {
		c := tx.Changes[i]
		files := c.Preview()
		if c.Err != nil && c.Step == event.Stage {
			errs = append(errs, b.shared.Registry.Secrets().MaskError(c.Err))
			continue
		}
		stopped := ""
		switch {
		case held[i] != "" && c.ReplacesAny():
			stopped = "the change would be held: " + held[i]
		case c.Err != nil:
			stopped = fmt.Sprintf("the change would be rejected: %s failed: %v", c.Step, b.shared.Registry.Secrets().MaskError(c.Err))
		}
		for j, w := range t.Wants {
			for _, s := range files[j] {
				f := diff.Planned{Path: s.File().Path, Change: s.Change().String(), Stopped: stopped, Rejected: c.Err != nil}
				if f.Before, f.After = s.Attributes(); s.Removes() {
					f.Change, f.After = "removed", ""
				}
				if s.Change() == renderer.Replaced {
					file, err := compared(b, w, f.Path, s.File().Content)
					if err != nil {
						errs = append(errs, err)
						continue
					}
					file.Text = texts[w.File.Destination]
					f.Diff = file.Unified()
				}
				plan.Files = append(plan.Files, f)
			}
		}
		if stopped != "" {
			continue
		}
		replaced := c.Replaced()
		changed = append(changed, replaced...)
		for j, f := range c.Files {
			if c.Checked(j) {
				run(event.Check, f.Check, f.Destination)
			}
		}
		run(event.Check, c.Check, replaced...)
	}
	run(event.Reload, b.spec.Reload, changed...)
	if len(changed) > 0 {
		for _, p := range b.spec.Verify {
			plan.Runs = append(plan.Runs, diff.Run{Step: string(event.Verify), Command: p.String(), Files: changed})
		}
	}
	return plan, errors.Join(errs...)
}
