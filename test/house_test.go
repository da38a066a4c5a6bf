package test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// allowed says which of our own packages a package may import; those below a
// name count as the name. Imports point one way: watch ← funcs ← template ←
// runner ← cmd (docs/architecture.md).
var allowed = map[string][]string{
	"watch":                    {"watch/dependency"},
	"watch/dependency":         {},
	"watch/lazyregexp":         {},
	"watch/suggest":            {},
	"watch/printable":          {},
	"watch/cache":              {"watch", "watch/schedule", "renderer/atomicfile"},
	"watch/consul":             {"watch", "watch/blocking", "watch/blocking/requester", "watch/consul/client", "watch/consul/discovery", "watch/consul/fetch", "watch/consul/plan", "watch/schedule"},
	"watch/blocking":           {"watch", "watch/schedule", "watch/transport"},
	"watch/blocking/requester": {"watch", "watch/blocking", "watch/schedule", "watch/transport"},
	"watch/consul/client":      {"watch/blocking", "watch/blocking/requester", "watch/transport"},
	"watch/consul/discovery":   {"watch", "watch/schedule"},
	"watch/consul/fetch":       {"watch", "watch/blocking", "watch/consul/discovery"},
	"watch/consul/plan":        {"watch", "watch/consul/discovery"},
	"watch/consul/semaphore":   {"watch", "watch/blocking", "watch/consul/fetch"},
	"watch/command":            {},
	"watch/keypair":            {},
	"watch/filewatch":          {"watch", "watch/schedule", "renderer/atomicfile"},
	"watch/local":              {"watch", "watch/dependency", "watch/filewatch", "watch/local/yamldoc"},
	"watch/local/yamldoc":      {"watch/lazyregexp", "watch/suggest"},
	"watch/schedule":           {"watch"},
	"watch/transport":          {"watch", "watch/filewatch", "renderer/atomicfile"},
	"watch/vault":              {"watch", "watch/schedule", "watch/transport", "watch/vault/client", "watch/vault/fetch", "watch/vault/lease", "watch/vault/limit", "watch/vault/token"},
	"watch/vault/client":       {"watch", "watch/schedule", "watch/transport"},
	"watch/vault/fetch":        {"watch", "watch/keypair", "watch/lazyregexp", "watch/vault/client", "watch/vault/lease", "watch/vault/limit", "watch/vault/token", "renderer/atomicfile"},
	"watch/vault/lease":        {"watch"},
	"watch/vault/limit":        {"watch"},
	"watch/vault/token":        {"watch", "watch/command", "watch/filewatch", "watch/schedule", "watch/vault/client", "watch/vault/lease"},
	"watch/nomad":              {"watch", "watch/blocking", "watch/blocking/requester", "watch/consul", "watch/dependency"},
	"funcs":                    {"watch", "watch/command", "watch/lazyregexp", "watch/suggest", "funcs/pure"},
	"funcs/pure":               {"watch", "watch/lazyregexp"},
	"template":                 {"watch", "watch/lazyregexp", "watch/suggest", "funcs"},
	"renderer":                 {"renderer/atomicfile", "renderer/fileattr", "renderer/parallel"},
	"renderer/atomicfile":      {},
	"renderer/fileattr":        {},
	"renderer/parallel":        {},
	"runner":                   {"watch", "watch/schedule", "template", "renderer", "runner/bundle", "runner/bundle/group", "runner/diff", "runner/event", "runner/layout", "runner/outage", "runner/process", "runner/templates"},
	"runner/layout":            {"watch/schedule", "template", "renderer", "runner/bundle/group", "runner/process"},
	"runner/outage":            {"watch", "watch/schedule", "runner/event"},
	"runner/bundle":            {"watch/schedule", "template", "renderer", "renderer/atomicfile", "runner/bundle/group", "runner/bundle/turn", "runner/diff", "runner/event", "runner/journal", "runner/journal/history", "runner/process", "runner/templates", "runner/transaction"},
	"runner/bundle/group":      {"watch/schedule", "template", "renderer", "renderer/atomicfile", "runner/event", "runner/format", "runner/guard", "runner/journal", "runner/journal/history", "runner/probe", "runner/process", "runner/templates"},
	"runner/bundle/turn":       {"runner/bundle/group", "runner/event"},
	"runner/diff":              {"watch/lazyregexp", "watch/printable"},
	"runner/event":             {"watch", "template", "renderer"},
	"runner/process":           {"watch", "watch/command", "watch/schedule", "runner/event", "runner/process/overlay"},
	"runner/process/overlay":   {},
	"runner/templates":         {"watch", "watch/schedule", "template", "runner/event"},
	"runner/transaction":       {"funcs", "renderer", "renderer/atomicfile", "renderer/parallel", "runner/event", "runner/format", "runner/journal/swap", "runner/process", "runner/process/overlay"},
	"runner/format":            {"watch/keypair", "watch/lazyregexp"},
	"runner/guard":             {},
	"runner/journal":           {"renderer/atomicfile", "runner/journal/dirlock", "runner/journal/disk", "runner/journal/history", "runner/journal/swap"},
	"runner/journal/disk":      {"renderer", "renderer/atomicfile"},
	"runner/journal/history":   {"renderer/atomicfile", "runner/journal/disk"},
	"runner/journal/swap":      {"renderer", "renderer/atomicfile", "runner/journal/disk"},
	"runner/journal/dirlock":   {"renderer/atomicfile"},
	"runner/probe":             {},
	"runner/status":            {"watch"},
	"runner/status/model":      {"watch", "template", "renderer", "runner/event", "runner/status"},
	"runner/status/text":       {"watch/printable", "runner/status"},
	"runner/status/eventlog":   {"watch", "renderer", "runner/event", "runner/process", "runner/status"},
	"runner/status/metrics":    {"runner/event", "runner/status"},
	"runner/status/web":        {"runner/event", "runner/status"},
	"cmd/restencil":            nil, // anything
}

func TestImportsPointOneWay(t *testing.T) {
	for dir, files := range packages(t) {
		may, known := allowed[dir]
		if strings.HasPrefix(dir, "cmd/") || strings.HasPrefix(dir, "test") || strings.HasPrefix(dir, "examples/") {
			continue
		}
		if !known {
			t.Errorf("package %s has no place in the house: see the list in this test", dir)
			continue
		}
		for name, file := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			for _, i := range file.Imports {
				p, err := strconv.Unquote(i.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				ours, ok := strings.CutPrefix(p, "restencil/")
				if ok && !slices.Contains(may, ours) {
					t.Errorf("%s imports %s", path.Join(dir, name), ours)
				}
			}
		}
	}
}

func TestEveryPackageHasADoc(t *testing.T) {
	for dir, files := range packages(t) {
		var docs int
		for name, file := range files {
			if file.Doc != nil && !strings.HasSuffix(name, "_test.go") {
				docs++
			}
		}
		if docs != 1 && !onlyTests(files) {
			t.Errorf("package %s has %d package comments, want one", dir, docs)
		}
	}
}

func onlyTests(files map[string]*ast.File) bool {
	for name := range files {
		if !strings.HasSuffix(name, "_test.go") {
			return false
		}
	}
	return true
}

// packages parses every Go file of the module, by folder.
func packages(t *testing.T) map[string]map[string]*ast.File {
	t.Helper()
	root := filepath.Join("..")
	dirs := make(map[string]map[string]*ast.File)
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && p != root && (strings.HasPrefix(d.Name(), ".") || ownModule(p)) {
			return fs.SkipDir
		}
		if d.IsDir() || filepath.Ext(p) != ".go" {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(p))
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(rel)
		if dirs[dir] == nil {
			dirs[dir] = make(map[string]*ast.File)
		}
		dirs[dir][filepath.Base(p)] = file
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

// ownModule tells whether a folder is a module by itself.
func ownModule(dir string) bool {
	m, err := filepath.Glob(filepath.Join(dir, "go.mod"))
	return err == nil && len(m) > 0
}
