package setting

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"restencil/cmd/restencil/config/hcl1"
	"restencil/watch/suggest"
)

// A decoder sets the variables of settings from one file.
type decoder struct {
	hcl1.Source
	settings []Setting // of the file
	problems []error   // Diagnostics
	warnings []hcl1.Diagnostic
}

// Decode sets the variables of settings from a file. The error joins an
// [hcl1.Diagnostic] for each problem of the file; the variables must not be used then.
// Warnings are about what is accepted but doubtful.
func Decode(name, text string, settings []Setting, origins *Origins) (warnings []hcl1.Diagnostic, err error) {
	d := &decoder{settings: settings, Source: hcl1.Source{Name: name, Text: text}}
	for s := range All(settings) {
		if last := s.Key[strings.LastIndexByte(s.Key, '.')+1:]; s.Secret && last != "" && !slices.Contains(d.Secrets, last) {
			d.Secrets = append(d.Secrets, last)
		}
	}
	fields, err := hcl1.Parse(d.Source)
	if err != nil {
		return nil, err
	}
	d.block(fields, scope{settings: settings, origins: origins})
	return d.warnings, errors.Join(d.problems...)
}

// A scope is the block that is being decoded.
type scope struct {
	settings []Setting // of the block
	origins  *Origins  // of the file or instance around it
	key      string    // path of the block and a dot; "" for the file or instance itself
	instance Setting   // the BlockList that the instance belongs to
}

func (d *decoder) problem(at hcl.Range, message, hint string) {
	d.problems = append(d.problems, d.Diagnose(at, message, hint))
}

func (d *decoder) warn(at hcl.Range, message, hint string) {
	d.warnings = append(d.warnings, d.Diagnose(at, message, hint))
}

func origin(at hcl.Range) Origin { return Origin{Position: hcl1.PositionOf(at)} }

// block decodes a block or the whole file. Of several fields of one name the last
// counts (COMPAT 2.2), but blocks of a BlockList add up.
func (d *decoder) block(fields []hcl1.Field, in scope) {
	fields = d.moved(fields, in)
	for i, f := range fields {
		s := in.find(f)
		if s == nil {
			d.unknown(f, in)
			continue
		}
		if items, isList := f.Value.List(); isList && len(items) == 0 && (s.Block != nil || s.Each != nil) {
			continue // JSON: no block
		}
		if s.Each != nil {
			d.blocks(f, *s)
			continue
		}
		later := fields[i+1:]
		if again := slices.IndexFunc(later, func(g hcl1.Field) bool { return in.find(g) == s }); again >= 0 {
			// Lists add up in a file if they do across files.
			_, one := f.Value.List()
			_, two := later[again].Value.List()
			if !one || !two || s.To == nil || !s.value().accumulates() {
				d.warn(f.Range, f.Name+" has no effect here", "it is written again at "+hcl1.PositionOf(later[again].Range).String())
				continue
			}
		}
		inner, isBlock := f.Value.Block()
		switch {
		case isBlock && s.Block != nil:
			in.origins.Set(origin(f.Range), in.key+s.Key)
			block := in
			block.settings, block.key = s.Block, in.key+s.Key+"."
			d.block(inner, block)
		case s.To != nil:
			d.set(f, *s, in)
		default:
			form := fmt.Sprintf("write %s { … }", f.Name)
			if inside := keys(s.Block); len(inside) <= 6 {
				form += " with " + strings.Join(inside, ", ")
			}
			d.problem(f.Value.Range, fmt.Sprintf("expected a block for %s, found %v", f.Name, f.Value), form)
		}
	}
}

// moved decodes the fields with old names under their new ones, and returns the
// others. Those are decoded later, so that they win.
func (d *decoder) moved(fields []hcl1.Field, in scope) (others []hcl1.Field) {
	for _, f := range fields {
		s := in.find(f)
		if s == nil || !s.moved() {
			others = append(others, f)
			continue
		}
		path := strings.Split(s.Deprecated, ".")
		if _, isBool := f.Value.Value.(bool); isBool && s.Key == "ssl" {
			path = append(path, "enabled") // ssl = true, up to version 0.6
		}
		blocks, name := path[:len(path)-1], path[len(path)-1]
		form := name + " = …"
		if f.Value.IsBlock() {
			form = name + " { … }"
		}
		for _, block := range slices.Backward(blocks) {
			form = block + " { " + form + " }"
		}
		d.warn(f.Range, f.Name+" is deprecated", "write "+form)
		now := scope{settings: d.settings, origins: in.origins}
		for _, block := range blocks {
			now.settings, now.key = now.find(hcl1.Field{Name: block}).Block, now.key+block+"."
		}
		f.Name = name
		d.block([]hcl1.Field{f}, now)
	}
	return others
}

// beside reports whether f is one of the blocks with a label beside block, without one.
func beside(block []Setting, f hcl1.Field) bool {
	inner, _ := f.Value.Block()
	return len(inner) > 0 && !slices.ContainsFunc(inner, func(f hcl1.Field) bool { return !f.Label || scope{settings: block}.find(f) != nil })
}

// find returns the setting of a field, nil if there is none. The names of blocks are
// case-sensitive, others are not (COMPAT 2.2).
func (in scope) find(f hcl1.Field) *Setting {
	for i := range in.settings {
		s := &in.settings[i]
		if s.Each != nil && s.Each.Beside != nil && !beside(s.Each.Beside, f) {
			continue
		}
		anyCase := s.Block == nil || s.To != nil && !f.Value.IsBlock()
		if s.Key != "" && (f.Name == s.Key || anyCase && strings.EqualFold(f.Name, s.Key)) {
			return s
		}
	}
	return nil
}

func (d *decoder) set(f hcl1.Field, s Setting, in scope) {
	if err := s.value().Decode(f.Value); err != nil {
		at := f.Value.Range
		if element := (*elementError)(nil); errors.As(err, &element) {
			at = element.Range
		}
		d.problem(at, f.Name+": "+strings.TrimPrefix(err.Error(), f.Name+": "), "")
		return
	}
	if s.Deprecated != "" {
		d.warn(f.Range, f.Name+" is deprecated", "write "+s.Deprecated)
	}
	for _, key := range s.sets() {
		in.origins.Set(origin(f.Range), in.key+key)
	}
}

// blocks decodes a field of a BlockList. The parser makes a label a block around the
// block, which may contain several in JSON.
func (d *decoder) blocks(f hcl1.Field, s Setting) {
	named, isBlock := f.Value.Block()
	form := fmt.Sprintf("write %s { … }", s.Key)
	if s.Each.Labelled {
		form = fmt.Sprintf(`write %s "NAME" { … }`, s.Key)
	}
	switch {
	case !isBlock && s.Each.Short == "":
		d.problem(f.Value.Range, fmt.Sprintf("expected a %s block, found %v", s.Key, f.Value), form)
	case !s.Each.Labelled:
		d.instance(f, s)
	case len(named) == 0 || slices.ContainsFunc(named, func(n hcl1.Field) bool { return !n.Value.IsBlock() }):
		d.problem(f.Range, fmt.Sprintf("a %s needs a name", s.Key), form)
	default:
		for _, n := range named {
			d.instance(n, s)
		}
	}
}

// instance decodes one block of a BlockList, or the value that replaces it.
func (d *decoder) instance(f hcl1.Field, s Setting) {
	made := s.Each.add()
	made.Origins.At = origin(f.Range)
	if made.Label != nil {
		*made.Label = f.Name
	}
	in := scope{settings: made.Settings, origins: made.Origins, key: made.Prefix, instance: s}
	if fields, isBlock := f.Value.Block(); isBlock {
		d.block(fields, in)
		return
	}
	d.set(f, *in.find(hcl1.Field{Name: s.Each.Short}), in)
}

// keys returns the names that settings have now.
func keys(settings []Setting) (names []string) {
	for _, s := range settings {
		if s.Key != "" && (s.Deprecated == "" || s.Block != nil) {
			names = append(names, s.Key)
		}
	}
	return names
}

// unknown adds a problem about a key that does not exist.
func (d *decoder) unknown(f hcl1.Field, in scope) {
	place := strings.Trim(in.instance.Key+"."+strings.TrimPrefix(in.key, in.instance.Key+"."), ".")
	if place != "" {
		place = " in " + place
	}
	var hint string
	meant := cmp.Or(in.elsewhere(f.Name), suggest.Nearest(f.Name, keys(in.settings)))
	block, each := in.instance.Key, in.instance.Each
	switch {
	case meant != "":
		hint = "did you mean " + meant + "?"
	case each == nil || !f.Value.IsBlock():
	case !each.Labelled:
		hint = fmt.Sprintf("a %s block has no label", block)
	case f.Name != block && slices.ContainsFunc(d.settings, func(s Setting) bool { return s.Key == f.Name && s.Each != nil }):
		hint = fmt.Sprintf(`a %s block stands beside the %s block, and has %s = "NAME"`, f.Name, block, block)
	default:
		hint = fmt.Sprintf("a %s block has one label, its name", block)
	}
	if hint == "" && f.Label && strings.TrimSuffix(in.key, ".") != "" && each == nil {
		hint = "a block with a label stands by itself, in JSON as an element of a list"
	}
	diagnostic := d.Diagnose(f.Range, fmt.Sprintf("unknown key %q%s", f.Name, place), hint)
	if suggest.Nearest(f.Name, d.Secrets) != "" {
		diagnostic.CutAfter()
	}
	d.problems = append(d.problems, diagnostic)
}

// elsewhere returns the settings and blocks of that name in inner blocks, "" if there
// are none or more than four.
func (in scope) elsewhere(name string) string {
	keys := make(map[string]bool)
	for s := range All(in.settings) {
		parts := strings.Split(s.Key, ".")
		for i := 1; i < len(parts); i++ {
			if strings.EqualFold(parts[i], name) {
				keys[in.key+strings.Join(parts[:i+1], ".")] = true
			}
		}
	}
	if len(keys) > 4 {
		return ""
	}
	return strings.Join(slices.Sorted(maps.Keys(keys)), " or ")
}
