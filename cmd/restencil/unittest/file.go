package unittest

import (
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"restencil/watch/filewatch"
	"restencil/watch/local"
	"restencil/watch/local/yamldoc"
)

// Suffix ends the names of files of tests.
const Suffix = "_test.yaml"

// A Test is one case of a file of tests. Its paths are relative to the file's
// directory.
type Test struct {
	File string
	Line int
	Name string

	// What is tested: a template alone, or of the configuration a bundle, a template,
	// or all.
	Config, Bundle, Template string

	Data *local.Model
	Env  map[string]string // all that the template sees

	// What is wanted. The keys of Output and Golden name a template or what it writes;
	// "" is the only template.
	Output map[string]string
	Golden map[string]string // files with the output
	Error  string            // what an error contains
	Waits  []string
	Check  bool // the checks and formats of the configuration must succeed
}

// Find returns the files of tests that paths name: files, and directories with all
// below them. Directories whose names begin with a dot are left out.
func Find(paths []string) (files []string, err error) {
	for _, path := range paths {
		err := filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && name != path && strings.HasPrefix(entry.Name(), "."):
				return fs.SkipDir
			case !entry.IsDir() && (name == path || strings.HasSuffix(name, Suffix)):
				files = append(files, name)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

// A decoder decodes a file of tests.
type decoder struct {
	yamldoc.Decoder
	path string
}

// Load reads a file of tests. An error in it is a *yamldoc.Error.
func Load(path string) ([]*Test, error) {
	content, err := filewatch.ReadFile(path)
	if err != nil {
		return nil, err
	}
	root, err := yamldoc.Read(content)
	if err == nil && root == nil {
		err = &yamldoc.Error{Msg: "the file has no tests"}
	}
	if err != nil {
		return nil, yamldoc.InFile(path, err)
	}
	d := decoder{path: path}
	common := Test{File: path}
	var list *yaml.Node
	known := d.common(&common)
	known["config"] = func(n *yaml.Node) { common.Config = d.Text(n) }
	known["bundle"] = func(n *yaml.Node) { common.Bundle = d.Text(n) }
	known["template"] = func(n *yaml.Node) { common.Template = d.Text(n) }
	known["tests"] = func(n *yaml.Node) { list = n }
	d.Fields(root, "a file of tests", known)
	switch {
	case common.Bundle != "" && (common.Config == "" || common.Template != ""):
		d.Fail(root, "bundle stands with config, and without template")
	case common.Config == "" && common.Template == "":
		common.Template = strings.TrimSuffix(filepath.Base(path), Suffix) + ".ctmpl"
	}
	var tests []*Test
	if list != nil {
		for _, n := range yamldoc.List(list) {
			tests = append(tests, d.test(n, common))
		}
	}
	if len(tests) == 0 {
		d.Fail(root, "the file has no tests: it needs a list tests")
	}
	return tests, yamldoc.InFile(path, d.Err)
}

// common returns the fields that a file and its tests have.
func (d *decoder) common(t *Test) yamldoc.Fields {
	return yamldoc.Fields{
		"data": func(n *yaml.Node) { t.Data = d.data(n) },
		"env": func(n *yaml.Node) {
			t.Env = maps.Clone(t.Env)
			if t.Env == nil {
				t.Env = make(map[string]string)
			}
			maps.Copy(t.Env, yamldoc.MapOf(&d.Decoder, n, "env", d.Text))
		},
	}
}

func (d *decoder) test(n *yaml.Node, t Test) *Test {
	t.Line = n.Line
	known := d.common(&t)
	known["name"] = func(n *yaml.Node) { t.Name = d.Text(n) }
	known["output"] = func(n *yaml.Node) { t.Output = d.named(n, "output") }
	known["golden"] = func(n *yaml.Node) { t.Golden = d.named(n, "golden") }
	known["error"] = func(n *yaml.Node) { t.Error = d.Text(n) }
	known["waits"] = func(n *yaml.Node) { t.Waits = d.Texts(n) }
	known["check"] = func(n *yaml.Node) { t.Check = d.Word(n, "true or false", "true", "false") == "true" }
	d.Fields(n, "a test", known)
	wants := len(t.Output) + len(t.Golden) + len(t.Waits)
	switch {
	case t.Name == "" || strings.ContainsFunc(t.Name, unicode.IsControl):
		d.Fail(n, "a test needs a name of one line")
	case t.Error != "" && (wants > 0 || t.Check):
		d.Fail(n, "a test that wants an error can want nothing else")
	case t.Error == "" && wants == 0 && !t.Check:
		d.Fail(n, "a test wants something: output, golden, error, waits or check")
	case t.Check && t.Config == "":
		d.Fail(n, "check needs the key config at the top of the file: checks are in the configuration")
	}
	return &t
}

// named returns a text, or texts by name.
func (d *decoder) named(n *yaml.Node, what string) map[string]string {
	if yamldoc.IsMap(n) {
		return yamldoc.MapOf(&d.Decoder, n, what, d.Text)
	}
	return map[string]string{"": d.Text(n)}
}

// data returns the data of a test, which is the path of a data file or stands there.
func (d *decoder) data(n *yaml.Node) *local.Model {
	var model *local.Model
	var err error
	if yamldoc.IsMap(n) {
		model, err = local.ParseNode(d.path, n)
	} else if path := filepath.Join(filepath.Dir(d.path), d.Text(n)); d.Err == nil {
		if filepath.IsAbs(n.Value) {
			path = n.Value
		}
		var content []byte
		if content, err = filewatch.ReadFile(path); err == nil {
			model, err = local.Parse(path, content)
		}
	}
	if wrong, ok := errors.AsType[*yamldoc.Error](err); ok && d.Err == nil {
		d.Err = wrong
	} else if err != nil {
		d.Fail(n, "%v", err)
	}
	return model
}
