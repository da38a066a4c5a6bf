// Package statedir knows the state directories: which one a configuration has, and
// which there are.
//
// A configuration may name one. By default it has one of its own below a root
// ([Root]), named for its first file, and says in it what it is about ([Owner]). What
// is in a state directory is package journal's.
package statedir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"restencil/cmd/restencil/config"
	"restencil/runner/bundle/group"
	"restencil/runner/journal"
	"restencil/runner/journal/dirlock"
)

// Of returns the state directory that a configuration has, "" for none.
// By default each configuration has one of its own below the one that package
// journal finds, so that several can run side by side; but for that of systemd,
// which is the unit's own. It is called as the configuration's first file, with a
// number where another configuration has that name already.
func Of(cfg *config.Config) string {
	switch cfg.State.Dir {
	case config.StateNone:
		return ""
	case "":
	default:
		return cfg.State.Dir
	}
	root, own := Root(cfg)
	if root == "" || own {
		return root
	}
	return Find(root, Owner(cfg))
}

// Find returns the directory below root that is about these paths, or is to be.
func Find(root string, paths []string) string {
	if dirs, err := Below(root); err == nil {
		known := func(dir string) bool { return slices.Equal(journal.Owner(dir), paths) }
		if i := slices.IndexFunc(dirs, known); i >= 0 {
			return dirs[i]
		}
	}
	name := strings.TrimSuffix(filepath.Base(paths[0]), filepath.Ext(paths[0]))
	name = awkward.ReplaceAllString(name[:min(len(name), 40)], "_")
	dir := filepath.Join(root, name)
	for i := 2; journal.Owner(dir) != nil; i++ {
		dir = filepath.Join(root, fmt.Sprintf("%s-%d", name, i))
	}
	return dir
}

// Root returns where state directories are; own says that it is one itself,
// which systemd has made.
func Root(cfg *config.Config) (dir string, own bool) {
	value, _ := cfg.LookupEnv("STATE_DIRECTORY")
	if first, _, _ := strings.Cut(value, ":"); first != "" {
		return first, true
	}
	return journal.DefaultDir(cfg.LookupEnv, os.Getuid()), false
}

// Owner returns what a state directory is about: the files of the configuration,
// or without one those that it writes.
func Owner(cfg *config.Config) []string {
	paths := slices.Clone(cfg.Paths)
	for i := range cfg.Templates {
		if len(cfg.Paths) == 0 {
			paths = append(paths, cfg.Templates[i].File.Destination)
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

// awkward is what is not plain in a shell.
var awkward = regexp.MustCompile(`[^\w.-]`)

// Below returns the directories right in root.
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
		return nil, fmt.Errorf("nothing is remembered in %s: say where with -state-dir or -config", root)
	}
	return dirs, nil
}

// ErrNoBundle says that no state directory knows the bundle.
var ErrNoBundle = errors.New("there is no bundle")

// OfBundle returns the one directory of dirs that knows the bundle, or the only one
// whether it does or not, and the bundle's name there: a bundle of one file may be
// called by any path to that.
func OfBundle(dirs []string, bundle string) (dir, name string, err error) {
	var found []string
	for _, d := range dirs {
		names, err := bundlesIn(d)
		if err != nil {
			return "", "", err
		}
		for _, n := range []string{bundle, group.Path(bundle)} {
			if slices.Contains(names, n) {
				found, name = append(found, d), n
				break
			}
		}
	}
	switch {
	case len(found) == 1:
		return found[0], name, nil
	case len(dirs) == 1:
		return dirs[0], bundle, nil
	case found == nil:
		return "", "", fmt.Errorf("%w %q in %s: say where with -state-dir or -config", ErrNoBundle, bundle, strings.Join(dirs, ", "))
	}
	return "", "", fmt.Errorf("there is a bundle %q in each of %s: say which with -state-dir or -config", bundle, strings.Join(found, ", "))
}

func bundlesIn(dir string) ([]string, error) {
	j := journal.New(dir, journal.Options{ReadOnly: true})
	defer j.Close()
	return j.Bundles()
}

// A Dir is a state directory below the default one.
type Dir struct {
	Path    string
	Owner   []string  // see journal.Options; nil: it is not known
	Running bool      // a daemon has it
	Begun   time.Time // the last run
}

// Dirs returns the state directories below root.
func List(root string) ([]Dir, error) {
	dirs, err := Below(root)
	var all []Dir
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, "bundles")); err != nil {
			continue // it is something else
		}
		d := Dir{Path: dir, Owner: journal.Owner(dir)}
		if info, err := os.Stat(filepath.Join(dir, "lock")); err == nil {
			d.Begun = info.ModTime()
		}
		l := dirlock.New(dir)
		d.Running = errors.Is(l.Take(false), dirlock.ErrInUse)
		_ = l.Close()
		all = append(all, d)
	}
	return all, err
}

// Gone reports whether no daemon uses the directory, and nothing that it is about
// is there any more.
func (d Dir) Gone() bool {
	there := func(path string) bool {
		_, err := os.Lstat(path)
		return !errors.Is(err, fs.ErrNotExist)
	}
	return d.Owner != nil && !d.Running && !slices.ContainsFunc(d.Owner, there)
}

// UnusedFor is how long a daemon leaves a state directory alone that is gone.
const UnusedFor = 30 * 24 * time.Hour

// Prune removes the state directories below root that have been gone for so long.
func Prune(root string, unused time.Duration) (removed []string, err error) {
	all, _ := List(root) // without any there is nothing to do
	for _, d := range all {
		if d.Gone() && time.Since(d.Begun) >= unused {
			err = errors.Join(err, os.RemoveAll(d.Path))
			removed = append(removed, d.Path)
		}
	}
	return removed, err
}
