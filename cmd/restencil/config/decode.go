package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A decoder lays one file over a Config.
type decoder struct {
	*source
	config   *Config
	problems Diagnostics

	template         *schema  // of every template
	standardTemplate Template // with every setting at its default
}

// A scope is what the settings of a file or of a template may be, and where
// their values go.
type scope struct {
	*schema
	settings []setting
	origins  map[string]Origin
	root     string // "template", "bundle" or "verify" within one, else ""

	// repeat takes the blocks that may stand several times, by their keys.
	repeat map[string]func(field)
}

// setting returns the setting of a key, nil where there is none.
func (s scope) setting(key string) *setting {
	if i, ok := s.byKey[key]; ok {
		return &s.settings[i]
	}
	return nil
}

// decode lays the settings of a file over c. Every problem of the file is
// reported; where there is one, c is not to be used.
func (c *Config) decode(src *source) error {
	fields, problems := parse(src)
	d := &decoder{source: src, config: c, problems: problems}
	if problems == nil {
		d.standardTemplate = *newTemplate(Origin{})
		d.template = newSchema(d.standardTemplate.settings())
		settings := c.settings()
		d.object("", fields, scope{
			schema: newSchema(settings), settings: settings, origins: c.origins,
			repeat: map[string]func(field){"template": d.addTemplate, "bundle": d.addBundles},
		})
	}
	if d.problems != nil {
		return d.problems
	}
	return nil
}

func (d *decoder) problem(start, end int, message, hint string) {
	d.problems = append(d.problems, d.diagnose(start, end, message, hint))
}

func (d *decoder) warn(start, end int, message, hint string) {
	d.config.Warnings = append(d.config.Warnings, d.diagnose(start, end, message, hint))
}

// object takes the settings and blocks of a block, or of the file where block
// is "". Of several of one name the last counts (COMPAT 2.2), but templates
// and the like add up.
func (d *decoder) object(block string, fields []field, s scope) {
	fields = d.spread(block, fields, s)
	for i, f := range fields {
		key := s.resolve(block, f.name)
		if add := s.repeat[key]; add != nil {
			add(f)
			continue
		}
		if !s.known(key) {
			d.unknown(block, f, s)
			continue
		}
		if later := s.repeated(block, key, f, fields[i+1:]); later != nil {
			d.warn(f.start, f.end, f.name+" has no effect here", "it is written again at "+d.position(later.start).String())
			continue
		}
		d.known(key, f, s)
	}
}

// spread makes one field each of the elements of a list of blocks, which is
// how JSON repeats a block.
func (d *decoder) spread(block string, fields []field, s scope) []field {
	var all []field
	for _, f := range fields {
		key := s.resolve(block, f.name)
		items, isList := f.value.value.([]node)
		ofBlocks := isList && (len(items) == 0 || slices.ContainsFunc(items, node.isBlock))
		if !ofBlocks || !s.isBlock(key) && s.repeat[key] == nil {
			all = append(all, f)
			continue
		}
		for _, item := range items {
			all = append(all, field{name: f.name, start: item.start, end: item.start + 1, value: item})
		}
	}
	return all
}

// known takes a setting or block whose key is known.
func (d *decoder) known(key string, f field, s scope) {
	inner, isObject := f.value.value.([]field)
	switch {
	case isObject && s.isBlock(key):
		s.origins[key] = Origin{Position: d.position(f.start)}
		d.object(key, inner, s)
	case s.setting(key) != nil:
		d.set(s.setting(key), f, s)
	default:
		d.problem(f.value.start, f.value.end, fmt.Sprintf("expected a block for %s, found %s", f.name, f.value.what()),
			fmt.Sprintf("write %s { … }", f.name))
	}
}

// set takes the value of one setting.
func (d *decoder) set(st *setting, f field, s scope) {
	if err := st.value.fromNode(f.value); err != nil {
		at := f.value
		if element := (*elementError)(nil); errors.As(err, &element) {
			at = element.node
		}
		why := strings.TrimPrefix(err.Error(), f.name+": ")
		d.problem(at.start, at.end, f.name+": "+why, "")
		return
	}
	if st.deprecated != "" {
		d.warn(f.start, f.end, f.name+" is deprecated", "write "+st.deprecated)
	}
	for _, key := range st.keys() {
		s.origins[key] = Origin{Position: d.position(f.start)}
	}
}

// addTemplate takes one template block.
func (d *decoder) addTemplate(f field) {
	fields, ok := f.value.value.([]field)
	if !ok {
		d.problem(f.value.start, f.value.end, "expected a template block, found "+f.value.what(), "write template { … }")
		return
	}
	t := d.standardTemplate
	t.At, t.origins = Origin{Position: d.position(f.start)}, make(map[string]Origin)
	d.object("", fields, scope{
		schema: d.template, settings: t.settings(), origins: t.origins, root: "template",
		repeat: map[string]func(field){"verify": func(f field) { d.addVerify(&t.Verify, f) }},
	})
	d.config.Templates = append(d.config.Templates, t)
}

// unknown complains of a key that does not exist.
func (d *decoder) unknown(block string, f field, s scope) {
	place := strings.Trim(s.root+"."+block, ".")
	if place != "" {
		place = " in " + place
	}
	hint := suggest(f.name, s.names(block))
	if elsewhere := s.elsewhere(block, f.name); hint == "" && elsewhere != "" {
		hint = "did you mean " + elsewhere + "?"
	}
	if f.value.isBlock() && hint == "" {
		hint = map[string]string{
			"template": "a template block has no label",
			"verify":   "a verify block has no label",
			"bundle":   "a bundle block has one label, its name",
		}[s.root]
	}
	diagnostic := d.diagnose(f.start, f.end, fmt.Sprintf("unknown key %q%s", f.name, place), hint)
	if suggest(f.name, secretNames()) != "" {
		diagnostic.cutAfter()
	}
	d.problems = append(d.problems, diagnostic)
}

// names returns what may stand right in a block.
func (s scope) names(block string) []string {
	names := s.children[block]
	if block == "" {
		names = slices.Concat(names, slices.Sorted(maps.Keys(s.repeat)))
	}
	return names
}

// known reports whether a key is that of a setting or of a block.
func (s scope) known(key string) bool {
	return key != "" && (s.setting(key) != nil || s.isBlock(key))
}

// resolve returns the key of a name within a block. The case of a name does
// not matter, but for blocks (COMPAT 2.2).
func (s scope) resolve(block, name string) string {
	if strings.Contains(name, ".") {
		return "" // no name, though it may look like a key
	}
	key, lower := name, strings.ToLower(name)
	if block != "" {
		key, lower = block+"."+name, block+"."+lower
	}
	if s.setting(lower) != nil && !s.isBlock(lower) || s.repeat[lower] != nil {
		return lower
	}
	return key
}

// repeated returns the field that sets key again, in place of f, or nil. Two
// lists add up where lists do.
func (s scope) repeated(block, key string, f field, later []field) *field {
	i := slices.IndexFunc(later, func(f field) bool { return s.resolve(block, f.name) == key })
	if i < 0 {
		return nil
	}
	if st := s.setting(key); st != nil && st.adds() && f.value.isList() && later[i].value.isList() {
		return nil
	}
	return &later[i]
}

// elsewhere returns the keys and blocks below block that are called name, ""
// where they are none or too many to be of help.
func (s scope) elsewhere(block, name string) string {
	var keys []string
	for parent, names := range s.children {
		if strings.HasPrefix(parent, block) && parent != block && slices.Contains(names, strings.ToLower(name)) {
			keys = append(keys, parent+"."+strings.ToLower(name))
		}
	}
	if len(keys) > 4 {
		return ""
	}
	slices.Sort(keys)
	return strings.Join(keys, " or ")
}
