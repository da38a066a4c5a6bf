package funcs

import (
	"errors"
	"fmt"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"restencil/watch"
)

// file returns the content of a file (COMPAT 3.7).
func (e *Env) file(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	q, err := fileQuery(e.Sandbox, strings.TrimSpace(path))
	if err != nil {
		return "", err
	}
	content, _, err := ask[string](e, q)
	return content, err
}

// fileQuery returns the question for a file. Where there is a sandbox it names
// the file behind all links, which must lie in the sandbox now; the sandbox
// goes with the question, so that who reads the file can hold on to that.
func fileQuery(sandbox, path string) (watch.Query, error) {
	switch {
	case path == "":
		return watch.Query{}, errors.New(`file: invalid format: ""`)
	case sandbox == "":
		return watch.Query{Kind: watch.FileContent, Name: filepath.Clean(path)}, nil
	}
	root, err := filepath.EvalSymlinks(sandbox)
	if err != nil {
		return watch.Query{}, fmt.Errorf("failed to resolve sandbox path: %w", err)
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return watch.Query{}, fmt.Errorf("failed to resolve target path: %w", err)
	}
	rel, err := filepath.Rel(root, target)
	if err != nil {
		return watch.Query{}, fmt.Errorf("failed to get relative path: %w", err)
	}
	if !filepath.IsLocal(rel) {
		return watch.Query{}, fmt.Errorf("'%s' is outside of sandbox", path)
	}
	return watch.Query{Kind: watch.FileContent, Name: target, Params: root}, nil
}

// A File is what writeToFile asks for.
type File struct {
	Path        string
	User, Group string // names or decimal ids; "" for the program's own
	Perms       uint32
	Append      bool // add to the file; otherwise replace it
	Content     string
}

// writeToFile asks for a file of that content (COMPAT 3.10); perms are octal digits, and
// owner and group names or ids, or "" for the program's own. With six
// arguments there are flags before the content: "append", "newline" or both.
// The file is written once the template is complete.
func (e *Env) writeToFile(path, owner, group, perms string, rest ...string) (string, error) {
	if len(rest) == 0 {
		return "", errors.New("writeToFile: wrong number of arguments, expected 5 or 6, but got 4")
	}
	mode, err := strconv.ParseUint(perms, 8, 32)
	if err != nil {
		return "", fmt.Errorf("writeToFile: the permissions of %s are %q, which are not octal digits such as 0640", path, perms)
	}
	// That the owner and the group exist is seen to here, so that the error names
	// the place in the template.
	if !isID(owner) {
		if _, err := user.Lookup(owner); err != nil {
			return "", fmt.Errorf("writeToFile: owner of %s: %w", path, err)
		}
	}
	if !isID(group) {
		if _, err := user.LookupGroup(group); err != nil {
			return "", fmt.Errorf("writeToFile: group of %s: %w", path, err)
		}
	}
	f := File{Path: path, User: owner, Group: group, Perms: uint32(mode), Content: rest[len(rest)-1]}
	if len(rest) == 2 {
		f.Append = strings.Contains(rest[0], "append")
		if strings.Contains(rest[0], "newline") {
			f.Content += "\n"
		}
	}
	e.execution.WriteFile(f)
	return "", nil
}

// isID tells whether an owner needs no name: it is a number, or not given.
func isID(owner string) bool {
	_, err := strconv.Atoi(owner)
	return err == nil || owner == ""
}
