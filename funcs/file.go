package funcs

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"text/template"

	"restencil/watch"
)

// fileFuncs returns the function file (COMPAT 3.7).
func (e *Env) fileFuncs() template.FuncMap {
	return template.FuncMap{"file": e.file}
}

// file returns the content of a file.
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
