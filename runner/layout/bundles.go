package layout

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"restencil/renderer"
	"restencil/runner/bundle/group"
	"restencil/watch/schedule"
)

// Options are what bundles are made of.
type Options struct {
	Templates []Template
	Listed    map[int]bool // the templates with ForEach that have elements among Templates: they belong to no bundle
	Named     []group.Spec // the named bundles, without members

	Retry         schedule.Backoff // of bundles that have none
	Once          bool             // nothing waits for the data to be quiet
	Dry           bool             // all is printed: there is one bundle
	ExitOnFailure bool             // of the bundles that have no name
}

// A Bundle is a bundle and its templates.
type Bundle struct {
	group.Spec
	Templates []int // those of the members, by their index in Options
}

// Bundles returns the bundles of templates: those named, and implicit ones of the
// templates that have the same command, or none. Bundles without templates are left out.
func Bundles(o Options) ([]*Bundle, error) {
	var all []*Bundle
	byKey := make(map[string]*Bundle) // by name or command
	add := func(key string, spec group.Spec) *Bundle {
		b := &Bundle{Spec: spec}
		byKey[key], all = b, append(all, b)
		return b
	}
	for _, spec := range o.Named {
		if byKey["bundle "+spec.Name] != nil {
			return nil, fmt.Errorf("bundle %q is defined twice", spec.Name)
		}
		spec.Policy = group.Together
		if spec.Retry == (schedule.Backoff{}) {
			spec.Retry = o.Retry
		}
		if o.Once {
			spec.Wait = group.Wait{}
		}
		add("bundle "+spec.Name, spec)
	}
	for i, t := range o.Templates {
		if t.Variable != "" && !o.Dry || o.Listed[i] {
			continue
		}
		named := t.Bundle != "" && !o.Dry
		key := fmt.Sprintf("command %q", t.Command.Args)
		switch {
		case named:
			key = "bundle " + t.Bundle
		case o.Dry:
			key = "print"
		}
		b := byKey[key]
		switch {
		case b != nil:
		case named:
			return nil, fmt.Errorf("template %s belongs to bundle %q, which is not defined", t.Name, t.Bundle)
		case o.Dry:
			b = add(key, group.Spec{Name: t.Destination, Policy: group.Print, Retry: o.Retry, ExitOnFailure: o.ExitOnFailure})
		default:
			b = add(key, group.Spec{Name: t.Destination, Policy: group.Each, Reload: t.Command, Retry: o.Retry, ExitOnFailure: o.ExitOnFailure})
		}
		b.Templates = append(b.Templates, i)
		b.Members = append(b.Members, t.Member)
	}
	all = slices.DeleteFunc(all, func(b *Bundle) bool { return len(b.Templates) == 0 })
	return all, shadow(o, all)
}

// shadow marks the templates that another has the destination of: as in
// consul-template, the last template is written. A member of a named bundle may not
// share its destination.
func shadow(o Options, all []*Bundle) error {
	type member struct {
		*Bundle
		index int
	}
	last := make(map[string]member) // by destination
	dirs := make(map[string]string) // where each really is
	real := func(dir string) string {
		if dirs[dir] == "" {
			dirs[dir] = dir
			if to, err := filepath.EvalSymlinks(dir); err == nil { // two paths may be one file
				dirs[dir] = to
			}
		}
		return dirs[dir]
	}
	name := func(m member) string {
		text := "template " + m.Members[m.index].Template
		if m.Policy == group.Together {
			text += fmt.Sprintf(" of bundle %q", m.Name)
		}
		return text
	}
	var errs []error
	for _, b := range all {
		for i, m := range b.Members {
			path := group.Path(m.Destination)
			path = filepath.Join(real(filepath.Dir(path)), filepath.Base(path))
			if m.Destination == "" || o.Dry || renderer.StreamOf(m.Destination) != renderer.NoStream {
				continue
			}
			other, twice := last[path]
			element := func(m member) bool { return m.Members[m.index].ElementOf != "" }
			if twice && (other.Policy == group.Together || b.Policy == group.Together || element(other) || m.ElementOf != "") {
				errs = append(errs, fmt.Errorf("%s and %s both write %s: give each its own destination",
					name(other), name(member{b, i}), m.Destination))
				continue
			}
			if twice {
				if other.Templates[other.index] > b.Templates[i] {
					b.Members[i].Shadowed = true
					continue
				}
				other.Members[other.index].Shadowed = true
			}
			last[path] = member{b, i}
		}
	}
	return errors.Join(errs...)
}
