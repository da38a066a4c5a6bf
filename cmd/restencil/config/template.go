package config

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"restencil/cmd/restencil/config/files"
	"restencil/cmd/restencil/config/setting"
	"restencil/runner"
	"restencil/runner/format"
	"restencil/template"
)

// Defaults are the settings that templates can override.
type Defaults struct {
	ErrorFatal            bool
	ErrorOnMissingKey     bool
	LeftDelim, RightDelim string // "" for {{ and }}
	Wait                  Wait

	// SecretPerms is the mode of files that hold secrets; 0: that of any file.
	SecretPerms fs.FileMode
}

// A Template is a template, its destination and its command.
type Template struct {
	setting.Origins
	Change

	Source     string           // the template file; "": Options.Text is the template
	Options    template.Options // without Name
	ErrorFatal bool

	// File is the output. Its Destination is "" only in dry runs.
	File runner.Member

	// Bundle is the name of its bundle. Without one, a template that has a check,
	// verify, guard or format is a bundle by itself.
	Bundle string
}

// settings returns the defaults, and -template, which adds to list.
func (d *Defaults) settings(list *[]*Template) []setting.Setting {
	add := func(text string) error { return addTemplate(list, text) }
	return setting.In("Templates and output", []setting.Setting{
		{Flag: "template", To: setting.Text("<source[:destination[:command]]>", "", add, nil),
			Help: "Render a template. May be repeated. Without a destination the text is printed, with -dry."},
		{Key: "template_error_fatal", Flag: "template-error-fatal", To: &d.ErrorFatal, WhenSet: true,
			Help: "Whether an error of a template ends the process. Where nothing says so, it does with -once, and a daemon keeps the old file and goes on. The flag counts for all templates, the key for those that do not say."},
		{Key: "error_on_missing_key", Flag: "error-on-missing-key", To: &d.ErrorOnMissingKey,
			Help: "Whether it is an error to read a key that a map does not have; otherwise the text is <no value>. The setting of a template counts before this."},
		{Key: "default_delimiters", Block: []setting.Setting{
			{Key: "left", Flag: "default-left-delimiter", Arg: "<delimiter>", To: &d.LeftDelim,
				Help: "What begins an action in templates, instead of {{."},
			{Key: "right", Flag: "default-right-delimiter", Arg: "<delimiter>", To: &d.RightDelim,
				Help: "What ends an action in templates, instead of }}."},
		}},
		{Key: "secret_perms", Flag: "secret-perms", To: setting.Permissions(&d.SecretPerms), WhenSet: true,
			Help: "The mode of files that hold secrets of Vault, where their template says none; otherwise it is that of any file."},
		d.Wait.setting("wait"),
	}...)
}

func (t *Template) instance() setting.Instance {
	return setting.Instance{Origins: &t.Origins, Settings: slices.Concat(
		t.sourceSettings(),
		[]setting.Setting{
			{Key: "destination", To: &t.File.Destination, Help: "The file to write. It is needed, except with -dry."},
			{Key: "for_each", To: &t.Options.ForEach,
				Help: "A list, written as in a template, such as ls \"sites\". The template is rendered for each element, which is the dot, and the destination is a template, too, such as /etc/nginx/sites/{{ .Key }}.conf. The file of an element that is gone is removed."},
			{Key: "create_dest_dirs", To: setting.Not(&t.File.NoParents),
				Help: "Create directories of the destination that are missing."},
			{Key: "perms", To: &t.File.Perm,
				Help: "The mode of the file, such as 0640. If not given, the mode of the existing file, or 0644."},
			{Key: "dir_perms", To: &t.File.DirPerm,
				Help: "The mode of directories that are created, such as 0750. If not given, 0755 less the umask."},
			{Key: "user", To: &t.File.User,
				Help: "The owner of the file, a name or a number. If not given, the owner of the existing file."},
			{Key: "group", To: &t.File.Group,
				Help: "The group of the file, a name or a number. If not given, the group of the existing file."},
			{Key: "uid", To: setting.ID(&t.File.User), Deprecated: "user"},
			{Key: "gid", To: setting.ID(&t.File.Group), Deprecated: "group"},
			{Key: "backup", To: &t.File.Backup, Help: "Keep the old file beside the new one, with .bak added to its name."},
		},
		t.commandSettings(),
		t.languageSettings(),
		[]setting.Setting{
			{Key: "bundle", To: &t.Bundle, Help: "The name of the bundle that the file belongs to."},
			{Key: "format", To: setting.OneOf("<format>", &t.File.Format, slices.Concat([]format.Format{""}, format.All())...),
				Help: "What the file must contain: json, yaml, toml, hcl, xml or x509. Content of another kind is not put in place."},
		},
		t.Change.settings(),
	)}
}

// sourceSettings returns the settings that say where a template is.
func (t *Template) sourceSettings() []setting.Setting {
	return []setting.Setting{
		{Key: "source", To: &t.Source, Help: "The template file."},
		{Key: "contents", To: &t.Options.Text, Help: "The template itself, instead of a source."},
	}
}

// languageSettings returns the settings that say how a template is read and executed.
func (t *Template) languageSettings() []setting.Setting {
	o := &t.Options
	return []setting.Setting{
		{Key: "error_on_missing_key", To: &o.ErrorOnMissingKey,
			Help: "Fail where a template uses a key that a map does not have, instead of writing <no value>."},
		{Key: "error_fatal", To: &t.ErrorFatal, WhenSet: true,
			Help: "Whether restencil ends with exit code 14 when this template fails. Where nothing says so, it does with -once, and a daemon keeps the old file and goes on."},
		{Key: "left_delimiter", To: &o.LeftDelim,
			Help: "What begins an action in this template. If not given, as default_delimiters."},
		{Key: "right_delimiter", To: &o.RightDelim,
			Help: "What ends an action in this template. If not given, as default_delimiters."},
		{Key: "function_denylist", To: &o.FunctionDenylist,
			Help: "Functions that this template must not call; * stands for anything."},
		{Key: "function_blacklist", To: setting.Union(&o.FunctionDenylist), Deprecated: "function_denylist", Sets: []string{"function_denylist"}},
		{Key: "sandbox_path", To: &o.SandboxPath,
			Help: "The directory that the function file may read; any if not given."},
		{Key: "consul", To: &o.Clusters.Consul, WhenSet: true,
			Help: "The block `consul` with this label answers the Consul functions where they name none; the one without a label if not given."},
		{Key: "vault", To: &o.Clusters.Vault, WhenSet: true,
			Help: "The block `vault` with this label answers the Vault functions where they name none; the one without a label if not given."},
		{Key: "nomad", To: &o.Clusters.Nomad, WhenSet: true,
			Help: "The block `nomad` with this label answers the Nomad functions where they name none; the one without a label if not given."},
	}
}

// isBundle reports whether a template belongs to no bundle, but has settings that only
// bundles have.
func (t *Template) isBundle() bool {
	if t.Bundle != "" || t.File.Destination == "" {
		return false
	}
	return len(t.Verify) > 0 || t.File.Format != "" || setting.IsCommand(t.Check.Args) ||
		t.IsSet("rollback") || t.IsSet("exit_on_failure") || t.IsSet("guard")
}

// finishTemplate sets what is not set from the defaults.
func (c *Config) finishTemplate(t *Template) {
	if at := c.Origin("template_error_fatal"); c.IsSet("template_error_fatal") && (!t.IsSet("error_fatal") || at.FromCommandLine()) {
		t.ErrorFatal = c.Defaults.ErrorFatal
		t.Set(at, "error_fatal")
	}
	t.finish(&t.Origins, len(t.Verify) > 0, c)
	if t.IsSet("wait.min") && c.bundle(t.Bundle) != nil {
		c.warn(t.Origin("wait.min"), fmt.Sprintf("wait has no effect here: that of bundle %q counts", t.Bundle), "")
	}
}

// AllTemplates returns the templates of files, then those of variables.
func (c *Config) AllTemplates() []*Template {
	all := slices.Clone(c.Templates)
	for _, v := range c.Exec.Variables {
		all = append(all, &v.Template)
	}
	return all
}

// Sources returns the template files that can be read again.
func (c *Config) Sources() []string {
	var paths []string
	for _, t := range c.AllTemplates() {
		if t.Source != "" && !files.IsOpened(t.Source) {
			paths = append(paths, t.Source)
		}
	}
	return paths
}

func (t *Template) read(r *files.Reader) (name, text string, err error) {
	switch {
	case t.Source != "" && t.Options.Text != "":
		return "", "", errors.New("template: cannot specify both 'source' and 'contents'")
	case t.Options.Text != "":
		return "(dynamic)", t.Options.Text, nil
	case t.Source == "":
		return "", "", errors.New("template: must specify exactly one of 'source' or 'contents'")
	}
	if text, err = r.Template(t.Source); err != nil {
		return "", "", fmt.Errorf("failed to read template: %w", err)
	}
	return t.Source, text, nil
}

func addTemplate(list *[]*Template, s string) error {
	words, err := splitTemplate(s, runtime.GOOS == "windows")
	if err != nil {
		return err
	}
	t := setting.Add(list, (*Template).instance)
	t.At = setting.Origin{Flag: "-template " + s}
	t.Source = words[0]
	t.Set(t.At, "source")
	if len(words) > 1 {
		t.File.Destination = words[1]
		t.Set(t.At, "destination")
	}
	if len(words) > 2 {
		t.Reload.Args = words[2:]
		t.Set(t.At, "command")
	}
	return nil
}

// splitTemplate splits a value of -template into source, destination and command
// (COMPAT 1.5). Colons in a row count as one, those at the ends are ignored, and later
// ones belong to the command.
//
// On Windows a letter and a colon before a path are its drive. consul-template assumes
// drives everywhere (COMPAT Q38).
func splitTemplate(s string, windows bool) ([]string, error) {
	word := regexp.MustCompile("[^:]+")
	if windows {
		word = regexp.MustCompile("[A-Za-z]:[^:]+|[^:]+")
	}
	words := word.FindAllString(s, -1)
	if strings.TrimSpace(s) == "" || len(words) == 0 {
		return nil, errors.New("template: cannot be empty")
	}
	if len(words) > 3 {
		words = append(words[:2], strings.Join(words[2:], ":"))
	}
	return words, nil
}
