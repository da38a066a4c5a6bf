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

// A decoder lays one file over the variables of settings.
type decoder struct {
	hcl1.Source
	settings           []Setting // of the file
	problems, warnings hcl1.Diagnostics
}

// Decode lays a file over the variables of settings. Every problem of the file
// is in err, which is [hcl1.Diagnostics]; where there is one, the variables are
// not to be used. Warnings tell what is accepted but doubtful.
func Decode(name, text string, settings []Setting, written *Written) (warnings hcl1.Diagnostics, err error) {
	d := &decoder{settings: settings, Source: hcl1.Source{Name: name, Text: text}}
	for s := range All(settings) {
		if last := s.Key[strings.LastIndexByte(s.Key, '.')+1:]; s.Secret && last != "" && !slices.Contains(d.Secrets, last) {
			d.Secrets = append(d.Secrets, last)
		}
	}
	fields, problems := hcl1.Parse(d.Source)
	if problems != nil {
		return nil, problems
	}
	d.block(fields, scope{settings: settings, written: written})
	if d.problems != nil {
		return nil, d.problems
	}
	return d.warnings, nil
}

// A scope is a block that is read.
type scope struct {
	settings []Setting // that can stand in it
	written  *Written  // of the file, or of the instance that the block is in
	key      string    // of the block, with a dot after it; "" for the file or the instance itself
	instance Setting   // that the block is in, of those that may stand several times
}

func (d *decoder) problem(at hcl.Range, message, hint string) {
	d.problems = append(d.problems, d.Diagnose(at, message, hint))
}

func (d *decoder) warn(at hcl.Range, message, hint string) {
	d.warnings = append(d.warnings, d.Diagnose(at, message, hint))
}

func origin(at hcl.Range) Origin { return Origin{Position: hcl1.PositionOf(at)} }

// block takes the settings and blocks of a block, or of the file. Of several of
// one name the last counts (COMPAT 2.2), but templates and the like add up.
func (d *decoder) block(fields []hcl1.Field, in scope) {
	fields = d.moved(flatten(fields, in), in)
	for i, f := range fields {
		s := in.find(f)
		if s == nil {
			d.unknown(f, in)
			continue
		}
		if s.Each != nil {
			d.repeated(f, *s)
			continue
		}
		later := fields[i+1:]
		if again := slices.IndexFunc(later, func(g hcl1.Field) bool { return in.find(g) == s }); again >= 0 {
			// Lists add up, where they do over files.
			_, list := s.To.(*[]string)
			if v, ok := s.To.(partlySecret); ok {
				list = v.add != nil
			}
			_, one := f.Value.List()
			_, two := later[again].Value.List()
			if !list || !one || !two {
				d.warn(f.Range, f.Name+" has no effect here", "it is written again at "+hcl1.PositionOf(later[again].Range).String())
				continue
			}
		}
		inner, isBlock := f.Value.Block()
		switch {
		case isBlock && s.Block != nil:
			in.written.Set(origin(f.Range), in.key+s.Key)
			block := in
			block.settings, block.key = s.Block, in.key+s.Key+"."
			d.block(inner, block)
		case s.To != nil:
			d.set(f, *s, in)
		default:
			d.problem(f.Value.Range, fmt.Sprintf("expected a block for %s, found %v", f.Name, f.Value), fmt.Sprintf("write %s { … }", f.Name))
		}
	}
}

// moved reads the old spellings among fields as what they are called now, and
// returns the others. Those are read later, so that they win.
func (d *decoder) moved(fields []hcl1.Field, in scope) (others []hcl1.Field) {
	for _, f := range fields {
		s := in.find(f)
		if s == nil || !s.moved() {
			others = append(others, f)
			continue
		}
		path := strings.Split(s.Deprecated, ".")
		blocks, name := path[:len(path)-1], path[len(path)-1]
		form := name + " = …"
		if isBlock(f.Value) {
			form = name + " { … }"
		}
		for _, block := range slices.Backward(blocks) {
			form = block + " { " + form + " }"
		}
		d.warn(f.Range, f.Name+" is deprecated", "write "+form)
		now := scope{settings: d.settings, written: in.written}
		for _, block := range blocks {
			now.settings, now.key = now.find(hcl1.Field{Name: block}).Block, now.key+block+"."
		}
		f.Name = name
		d.block([]hcl1.Field{f}, now)
	}
	return others
}

// flatten makes one field each of the elements of a list of blocks, which is how
// JSON repeats a block.
func flatten(fields []hcl1.Field, in scope) []hcl1.Field {
	var all []hcl1.Field
	for _, f := range fields {
		items, isList := f.Value.List()
		ofBlocks := isList && (len(items) == 0 || slices.ContainsFunc(items, isBlock))
		if s := in.find(f); !ofBlocks || s == nil || s.Block == nil && s.Each == nil {
			all = append(all, f)
			continue
		}
		for _, item := range items {
			at := item.Range
			at.End = at.Start
			all = append(all, hcl1.Field{Name: f.Name, Range: at, Value: item})
		}
	}
	return all
}

func isBlock(n hcl1.Node) bool {
	_, ok := n.Block()
	return ok
}

// find returns what a field sets, nil for nothing. The case of a name does not
// matter, but for blocks (COMPAT 2.2); it does not for a value in their place.
func (in scope) find(f hcl1.Field) *Setting {
	for i := range in.settings {
		s := &in.settings[i]
		anyCase := s.Block == nil || s.To != nil && !isBlock(f.Value)
		if s.Key != "" && (f.Name == s.Key || anyCase && strings.EqualFold(f.Name, s.Key)) {
			return s
		}
	}
	return nil
}

// set takes the value of one setting.
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
	if s.Sets == nil {
		s.Sets = []string{s.Key}
	}
	for _, key := range s.Sets {
		in.written.Set(origin(f.Range), in.key+key)
	}
}

// repeated takes a block of those that may stand several times. Those with a
// label stand by their names in one without, because that is what a label
// becomes.
func (d *decoder) repeated(f hcl1.Field, s Setting) {
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
	case len(named) == 0 || slices.ContainsFunc(named, func(n hcl1.Field) bool { return n.Value.Blocks() == nil }):
		d.problem(f.Range, fmt.Sprintf("a %s needs a name", s.Key), form)
	default:
		for _, n := range named {
			for _, block := range n.Value.Blocks() {
				d.instance(hcl1.Field{Name: n.Name, Range: n.Range, Value: block}, s)
			}
		}
	}
}

// instance takes one block of those that may stand several times, or the value
// in its place.
func (d *decoder) instance(f hcl1.Field, s Setting) {
	made := s.Each.add()
	made.Written.At = origin(f.Range)
	if made.Label != nil {
		*made.Label = f.Name
	}
	in := scope{settings: made.Settings, written: made.Written, instance: s}
	if fields, isBlock := f.Value.Block(); isBlock {
		d.block(fields, in)
		return
	}
	d.set(f, *in.find(hcl1.Field{Name: s.Each.Short}), in)
}

// unknown complains of a key that does not exist.
func (d *decoder) unknown(f hcl1.Field, in scope) {
	place := strings.Trim(in.instance.Key+"."+in.key, ".")
	if place != "" {
		place = " in " + place
	}
	var names []string
	for _, s := range in.settings {
		if s.Key != "" && (s.Deprecated == "" || s.Block != nil) {
			names = append(names, s.Key)
		}
	}
	var hint string
	meant := cmp.Or(in.elsewhere(f.Name), suggest.Nearest(f.Name, names))
	block, each := in.instance.Key, in.instance.Each
	switch {
	case meant != "":
		hint = "did you mean " + meant + "?"
	case each == nil || !isBlock(f.Value):
	case !each.Labelled:
		hint = fmt.Sprintf("a %s block has no label", block)
	case f.Name != block && slices.ContainsFunc(d.settings, func(s Setting) bool { return s.Key == f.Name && s.Each != nil }):
		hint = fmt.Sprintf(`a %s block stands beside the %s block, and has %s = "NAME"`, f.Name, block, block)
	default:
		hint = fmt.Sprintf("a %s block has one label, its name", block)
	}
	diagnostic := d.Diagnose(f.Range, fmt.Sprintf("unknown key %q%s", f.Name, place), hint)
	if suggest.Nearest(f.Name, d.Secrets) != "" {
		diagnostic.CutAfter()
	}
	d.problems = append(d.problems, diagnostic)
}

// elsewhere returns the settings and blocks further in that are called name, ""
// where they are none or too many to be of help.
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
