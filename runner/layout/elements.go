package layout

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"restencil/renderer"
	"restencil/runner/bundle/group"
	"restencil/template"
)

// Elements are what the templates with ForEach have, by the index of each among those
// of the configuration.
type Elements struct {
	Lists   map[int][]Template       // the elements, and the files that are to be removed
	Results map[int]*template.Result // what they are made of; nil: the list is not known yet

	Held  map[int]Held
	Taken map[int][]string // files of elements that other templates have now
}

// A Held is files whose elements are not in a list that may lack something. They stay.
type Held struct {
	Files []string
	Why   string // "": there are none
}

// With returns what e becomes with other elements for some of the lists, which were made
// of results. files returns the files that were made for the elements of a template. A
// file of an element that is gone is removed when no template has it, none may have it
// in a list that is not known yet, and its own list lacks nothing.
func (e Elements) With(templates []Template, made map[int][]Template, results map[int]*template.Result, files func(Template) []string) Elements {
	next := Elements{
		Lists: make(map[int][]Template), Results: maps.Clone(e.Results),
		Held: make(map[int]Held), Taken: make(map[int][]string),
	}
	if next.Results == nil {
		next.Results = make(map[int]*template.Result)
	}
	used := make(map[string]int) // by whose template
	var unknown []string         // directories
	for c, t := range templates {
		if elements, ok := made[c]; ok {
			next.Lists[c], next.Results[c] = elements, results[c]
		} else if old, ok := e.Lists[c]; ok {
			next.Lists[c] = slices.DeleteFunc(slices.Clone(old), func(t Template) bool { return t.Absent })
		}
		for _, element := range next.Lists[c] {
			used[group.Path(element.Destination)] = c
		}
		if t.ForEach == "" {
			used[group.Path(t.Destination)] = c
		} else if next.Results[c] == nil {
			unknown = append(unknown, FixedDir(t))
		}
	}
	for c, list := range next.Results {
		t, h := templates[c], Held{}
		gone := t
		gone.ForEach, gone.ElementOf, gone.Text, gone.Absent = "", t.Destination, "", true
		for _, file := range files(t) {
			in := func(dir string) bool { return checkElement(dir, file) == nil }
			by, isUsed := used[group.Path(file)]
			switch {
			case isUsed && by != c:
				next.Taken[c] = append(next.Taken[c], group.Path(file))
			case isUsed || !in(FixedDir(t)) || slices.ContainsFunc(unknown, in):
			case list.Partial == "":
				gone.Destination = file
				next.Lists[c] = append(next.Lists[c], gone)
			default:
				if _, err := os.Lstat(file); err == nil {
					h.Files = append(h.Files, file)
					h.Why = fmt.Sprintf("removing files (%d) waits for a list that lacks nothing: %s", len(h.Files), list.Partial)
				}
			}
		}
		next.Held[c] = h
	}
	return next
}

// Late is the files that bundles have put in place for elements, by list: a change that is
// under way ends although a newer list lacks its element.
type Late map[string][]string

// Add adds the destinations of those members of a bundle that are elements.
func (l Late) Add(s group.Spec, members []int) {
	for _, i := range members {
		if m := s.Members[i]; m.ElementOf != "" {
			l[m.ElementOf] = append(l[m.ElementOf], m.Destination)
		}
	}
}

// Lost returns and forgets those files that none of the templates has, by list.
func (l Late) Lost(templates []Template) Late {
	lost, has := make(Late), make(map[string]bool)
	if len(l) == 0 {
		return lost
	}
	for _, t := range templates {
		has[group.Path(t.Destination)] = true
	}
	for list, files := range l {
		if files = slices.DeleteFunc(files, func(file string) bool { return has[group.Path(file)] }); len(files) > 0 {
			lost[list] = files
		}
	}
	clear(l)
	return lost
}

// Files returns a function that returns the files that were made for the elements of a
// template, as templates name them if they do. recorded returns those that the journal has;
// without one, nil, they are those of this process: that were placed, or are held, by list.
func Files(templates []Template, placed func(int) bool, held map[string]Held, recorded func(list string) []string) func(Template) []string {
	type element struct{ list, path string }
	names := make(map[element]string)
	byList := make(map[string][]string)
	for list, h := range held {
		byList[list] = slices.Clone(h.Files)
	}
	for i, t := range templates {
		if t.ElementOf != "" {
			names[element{t.ElementOf, group.Path(t.Destination)}] = t.Destination
			if t.Absent || placed(i) {
				byList[t.ElementOf] = append(byList[t.ElementOf], t.Destination)
			}
		}
	}
	return func(t Template) []string {
		if recorded == nil {
			return byList[t.Destination]
		}
		files := recorded(t.Destination)
		for i, path := range files {
			files[i] = cmp.Or(names[element{t.Destination, path}], path)
		}
		return files
	}
}

// Kept returns the lists of templates that are among others, too, by their index there.
func (e Elements) Kept(templates, others []Template) map[int][]Template {
	lists := make(map[int][]Template)
	for i, t := range others {
		for c, elements := range e.Lists {
			if reflect.DeepEqual(t, templates[c]) {
				lists[i] = elements
			}
		}
	}
	return lists
}

// CheckList returns what is wrong with a template with ForEach, but for its list.
func CheckList(t Template, host template.Host) error {
	if FixedDir(t) == "" {
		return fmt.Errorf(`template %s has for_each, and its destination is not a file for each element in a fixed directory: write one such as destination = "/etc/nginx/sites/{{ .Key }}.conf"`, t.Name)
	}
	t.ForEach = ""
	_, err := template.Parse(t.Options, host)
	return err
}

// ElementsOf returns the templates for the elements of t.
func ElementsOf(t Template, elements []template.Element) ([]Template, error) {
	made := []Template{}
	one := t
	one.ForEach, one.ElementOf = "", t.Destination
	dir := FixedDir(t)
	paths := make(map[string]int) // the element of each
	for i, e := range elements {
		path := group.Path(e.Text)
		err := checkElement(dir, e.Text)
		if name := strings.TrimPrefix(path, dir); err == nil && e.Secrets.Mask(name) != name {
			err = errors.New("it holds a secret, and everybody can see names of files")
		}
		if err != nil {
			return nil, e.Secrets.MaskError(fmt.Errorf("the destination %q of element %d: %w", e.Text, i+1, err))
		}
		if first, twice := paths[path]; twice {
			return nil, e.Secrets.MaskError(fmt.Errorf("elements %d and %d have one destination, %s: make it different for each", first, i+1, e.Text))
		}
		paths[path] = i + 1
		one.Dot, one.DotSecrets, one.Destination = e.Dot, e.Secrets, e.Text
		made = append(made, one)
	}
	return made, nil
}

// FixedDir returns the directory that all elements of t have their destinations in, ""
// where it differs.
func FixedDir(t Template) string {
	fixed, _, _ := strings.Cut(t.Destination, cmp.Or(t.LeftDelim, "{{"))
	if !strings.ContainsRune(filepath.ToSlash(fixed), '/') {
		return ""
	}
	return group.Path(filepath.Dir(fixed + "x"))
}

// checkElement returns an error unless an element may have a destination: what is in a
// store decides about it.
func checkElement(dir, destination string) error {
	path := group.Path(destination)
	switch {
	case destination == "" || strings.HasSuffix(destination, "/"):
		return errors.New("it names no file")
	case !utf8.ValidString(destination) || strings.ContainsFunc(destination, func(c rune) bool { return c < ' ' || c == 0x7f }):
		return errors.New("it has characters that are not for names of files")
	case slices.Contains(strings.Split(filepath.ToSlash(destination), "/"), "..") || !strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/"):
		return fmt.Errorf("it is not below %s, where those of all elements are", dir)
	case renderer.IsTemp(path):
		return errors.New("temporary files have such names")
	}
	return nil
}
