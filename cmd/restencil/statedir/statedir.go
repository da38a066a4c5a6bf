// Package statedir finds state directories: the one of a configuration, and all that
// exist.
//
// A configuration may name its directory. By default it has one below a root ([Root]),
// which is named after its first file and records whose it is ([Owner]). Package
// journal defines what a state directory contains.
package statedir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/control"
	"restencil/runner/bundle/group"
	"restencil/runner/journal"
	"restencil/runner/journal/dirlock"
	"restencil/runner/journal/history"
	"restencil/watch/lazyregexp"
)

// Of returns the state directory of a configuration, "" for none. By default each
// configuration has its own below [Root], so that several can run at the same time.
// The directory that systemd has made is used as it is.
func Of(cfg *config.Config) string {
	if cfg.State.Dir == config.StateNone {
		return ""
	}
	if cfg.State.Dir != "" {
		return cfg.State.Dir
	}
	root, own := Root(cfg)
	if root == "" || own {
		return root
	}
	return Find(root, Owner(cfg))
}

var notPlain = lazyregexp.New(`[^\w.-]`)

// Find returns the directory below root whose owner is paths, or where there is none,
// a free one. It is named after the first path, with a number where another owner has
// that name.
func Find(root string, paths []string) string {
	dirs, _ := Below(root) // without any, the name is free
	for _, dir := range dirs {
		if slices.Equal(journal.Owner(dir), paths) {
			return dir
		}
	}
	name := strings.TrimSuffix(filepath.Base(paths[0]), filepath.Ext(paths[0]))
	name = notPlain.Get().ReplaceAllString(name[:min(len(name), 40)], "_")
	dir := filepath.Join(root, name)
	for i := 2; journal.Owner(dir) != nil; i++ {
		dir = filepath.Join(root, fmt.Sprintf("%s-%d", name, i))
	}
	return dir
}

// Root returns the directory of the state directories. If own is true it is a state
// directory itself, made by systemd.
func Root(cfg *config.Config) (dir string, own bool) {
	value, _ := cfg.LookupEnv("STATE_DIRECTORY")
	if first, _, _ := strings.Cut(value, ":"); first != "" {
		return first, true
	}
	return journal.DefaultDir(cfg.LookupEnv, os.Getuid()), false
}

// Owner returns whose a state directory is: the files of the configuration, or
// without any the destinations of its templates.
func Owner(cfg *config.Config) []string {
	paths := slices.Clone(cfg.Paths)
	if len(paths) == 0 {
		for _, t := range cfg.Templates {
			paths = append(paths, t.File.Destination)
		}
	}
	for i, path := range paths {
		if abs, err := filepath.Abs(path); err == nil {
			paths[i] = abs
		}
	}
	if paths == nil {
		paths = []string{"none"}
	}
	return paths
}

// Below returns the directories in root, at least one.
func Below(root string) ([]string, error) {
	entries, err := os.ReadDir(root)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	var dirs []string
	for _, entry := range entries {
		if entry.IsDir() {
			dirs = append(dirs, filepath.Join(root, entry.Name()))
		}
	}
	if dirs == nil {
		return nil, fmt.Errorf("%w: nothing is remembered in %s (if one runs as another user or with its own state directory, say where with -state-dir or -config)", control.ErrNoDaemon, root)
	}
	return dirs, nil
}

// OfBundle returns the directory of dirs that has the bundle, or the only one in any
// case, and the bundle's name there: it may be given as any path to one of its files.
func OfBundle(dirs []string, bundle string) (dir, name string, err error) {
	var found []string
	for _, d := range dirs {
		j := journal.New(d, journal.Options{ReadOnly: true})
		known, err := nameOf(j, bundle)
		j.Close()
		switch {
		case err != nil:
			return "", "", err
		case known != "":
			found, name = append(found, d), known
		}
	}
	switch {
	case len(found) == 1:
		return found[0], name, nil
	case len(dirs) == 1:
		return dirs[0], bundle, nil
	case found == nil:
		return "", "", fmt.Errorf("there is no bundle %q in %s: say where with -state-dir or -config", bundle, strings.Join(dirs, ", "))
	}
	return "", "", fmt.Errorf("there is a bundle %q in each of %s: say which with -state-dir or -config", bundle, strings.Join(found, ", "))
}

// nameOf returns the name of a bundle in a journal, which is given as OfBundle says; ""
// where there is none.
func nameOf(j *journal.Journal, bundle string) (string, error) {
	names, err := j.Bundles()
	if err != nil || slices.Contains(names, bundle) {
		return bundle, err
	}
	path := group.Path(bundle)
	if slices.Contains(names, path) {
		return path, nil
	}
	for _, name := range names {
		all, err := j.History(name)
		if err != nil {
			return "", err
		}
		if len(all) > 0 && slices.ContainsFunc(all[len(all)-1].Files, func(f history.File) bool { return f.Path == path }) {
			return name, nil
		}
	}
	return "", nil
}

// A Dir is a state directory below the default one.
type Dir struct {
	Path    string
	Owner   []string  // see journal.Options; nil: it is not known
	Running bool      // a daemon has it
	Begun   time.Time // the last run
}

// List returns the state directories below root.
func List(root string) ([]Dir, error) {
	dirs, err := Below(root)
	var all []Dir
	for _, dir := range dirs {
		if d, ok := read(dir); ok {
			all = append(all, d)
		}
	}
	return all, err
}

// read returns what is known of the directory, false if it is something else than a
// state directory.
func read(dir string) (d Dir, ok bool) {
	if _, err := os.Stat(filepath.Join(dir, "bundles")); err != nil {
		return Dir{}, false
	}
	d = Dir{Path: dir, Owner: journal.Owner(dir), Begun: begun(dir)}
	l := dirlock.New(dir)
	d.Running = errors.Is(l.Take(false), dirlock.ErrInUse)
	_ = l.Close()
	return d, true
}

// begun returns when the last run with the state directory began.
func begun(dir string) time.Time {
	info, err := os.Stat(filepath.Join(dir, "lock"))
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// Gone reports whether no daemon uses the directory, and none of its owner's files
// exists.
func (d Dir) Gone() bool {
	there := func(path string) bool {
		_, err := os.Lstat(path)
		return !errors.Is(err, fs.ErrNotExist)
	}
	return d.Owner != nil && !d.Running && !slices.ContainsFunc(d.Owner, there)
}

// UnusedFor is how long a daemon keeps a state directory that is gone.
const UnusedFor = 30 * 24 * time.Hour

// Prune removes the state directories below root that are gone, and were not used for
// the given time.
func Prune(root string, unused time.Duration) (removed []string, err error) {
	dirs, _ := Below(root) // without any there is nothing to do
	for _, dir := range dirs {
		if time.Since(begun(dir)) < unused {
			continue // the most, at every start: nothing else about them is read
		}
		if d, ok := read(dir); ok && d.Gone() {
			err = errors.Join(err, os.RemoveAll(d.Path))
			removed = append(removed, d.Path)
		}
	}
	return removed, err
}
