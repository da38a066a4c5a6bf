package config

import (
	"slices"
	"time"

	"restencil/runner/format"
)

// commandTimeout is how long a template's command may take by default.
const commandTimeout = 30 * time.Second

// settings returns the settings of a template block. They keep their values
// in t.
func (t *Template) settings() []setting {
	return slices.Concat(
		[]setting{
			{key: "source", value: text(&t.Source, "")},
			{key: "contents", value: text(&t.Contents, "")},
			{key: "destination", value: text(&t.Destination, "")},
			{key: "create_dest_dirs", value: boolean(&t.CreateDestDirs, true)},
			{key: "perms", value: mode(&t.Perms)},
			{key: "dir_perms", value: mode(&t.DirPerms)},
			{key: "user", value: text(&t.User, "")},
			{key: "group", value: text(&t.Group, "")},
			{key: "uid", value: integer(&t.UID, 0), deprecated: "user"},
			{key: "gid", value: integer(&t.GID, 0), deprecated: "group"},
			{key: "backup", value: boolean(&t.Backup, false)},
			{key: "command", value: command(&t.Command)},
			{key: "command_timeout", value: duration(&t.CommandTimeout, commandTimeout)},
			{key: "error_on_missing_key", value: boolean(&t.ErrorOnMissingKey, false)},
			{key: "error_fatal", value: boolean(&t.ErrorFatal, true)},
			{key: "left_delimiter", value: text(&t.LeftDelimiter, "")},
			{key: "right_delimiter", value: text(&t.RightDelimiter, "")},
			{key: "function_denylist", value: list(&t.FunctionDenylist)},
			{key: "function_blacklist", value: listAlias(&t.FunctionDenylist), deprecated: "function_denylist", sets: []string{"function_denylist"}},
			{key: "sandbox_path", value: text(&t.SandboxPath, "")},
			{key: "wait", value: waitText{&t.Wait}, sets: []string{"wait.min", "wait.max"}, shorthand: true},
			{key: "bundle", value: text(&t.Bundle, "")},
			{key: "format", value: oneOf(&t.Format, "", "<format>", formats()...)},
			{key: "check", value: command(&t.Check)},
			{key: "check_timeout", value: duration(&t.CheckTimeout, commandTimeout)},
			{key: "rollback", value: boolean(&t.Rollback, false), whenSet: true},
			{key: "exit_on_failure", value: boolean(&t.ExitOnFailure, false), whenSet: true},
		},
		under("guard", "", guardSettings(&t.Guard)),
		under("wait", "", waitSettings(&t.Wait)),
		under("exec", "", execSettings(&t.Exec, commandTimeout)),
	)
}

// formats are what a file can be held to.
func formats() []string {
	return []string{
		string(format.JSON), string(format.YAML), string(format.TOML),
		string(format.HCL), string(format.XML), string(format.X509),
	}
}

// newTemplate returns a template with every setting at its default.
func newTemplate(at Origin) *Template {
	t := &Template{At: at, origins: make(map[string]Origin)}
	reset(t.settings())
	return t
}
