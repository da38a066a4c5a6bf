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

// fileQuery returns the query for a file. With a sandbox it contains the path with
// all links resolved, which must be in the sandbox, and the sandbox, so that reading
// the file can check again.
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

// A File is a file that writeToFile requests.
type File struct {
	Path        string
	User, Group string // names or decimal IDs; "" for the process's own
	Perms       uint32
	Append      bool // append to the file; otherwise replace it
	Content     string
}

// writeToFile requests a file (COMPAT 3.10). perms is octal; owner and group are
// names or IDs, or "" for the process's own. rest is the content, perhaps after
// flags: "append", "newline" or both.
func (e *Env) writeToFile(path, owner, group, perms string, rest ...string) (string, error) {
	if len(rest) == 0 {
		return "", errors.New("writeToFile: wrong number of arguments, expected 5 or 6, but got 4")
	}
	mode, err := strconv.ParseUint(perms, 8, 32)
	if err != nil {
		return "", fmt.Errorf("writeToFile: the permissions of %s are %q, which are not octal digits such as 0640", path, perms)
	}
	// Check owner and group here, so that the error names the place in the template.
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

// isID reports whether an owner is a number, or empty.
func isID(owner string) bool {
	_, err := strconv.Atoi(owner)
	return err == nil || owner == ""
}
