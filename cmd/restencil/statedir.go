package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"restencil/cmd/restencil/config"
	"restencil/runner/bundle/group"
	"restencil/runner/journal"
	"restencil/runner/journal/dirlock"
)

// stateDir returns the state directory that a configuration has, "" for none.
// By default each configuration has one of its own below the one that package
// journal finds, so that several can run side by side; but for that of systemd,
// which is the unit's own. It is called as the configuration's first file, with a
// number where another configuration has that name already.
func stateDir(cfg *config.Config) string {
	switch cfg.State.Dir {
	case config.StateNone:
		return ""
	case "":
	default:
		return cfg.State.Dir
	}
	root, own := defaultDir(cfg)
	if root == "" || own {
		return root
	}
	return ownDir(root, owner(cfg))
}

// ownDir returns the directory below root that is about these paths, or is to be.
func ownDir(root string, paths []string) string {
	if dirs, err := below(root); err == nil {
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

// defaultDir returns where state directories are; own says that it is one itself,
// which systemd has made.
func defaultDir(cfg *config.Config) (dir string, own bool) {
	value, _ := cfg.LookupEnv("STATE_DIRECTORY")
	if first, _, _ := strings.Cut(value, ":"); first != "" {
		return first, true
	}
	return journal.DefaultDir(cfg.LookupEnv, os.Getuid()), false
}

// owner returns what a state directory is about: the files of the configuration,
// or without one those that it writes.
func owner(cfg *config.Config) []string {
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

// stateDirs returns the state directories that a subcommand may be about: the
// one that it is told, by a path or a configuration, or all there are.
func (s *subcommand) stateDirs(environ []string) ([]string, error) {
	if s.stateDir != "" {
		return []string{s.stateDir}, nil
	}
	cfg, err := config.Parse(s.configFlags, environ)
	if err != nil {
		return nil, err
	}
	if len(cfg.Paths) > 0 || cfg.State.Dir != "" {
		dir := stateDir(cfg)
		if dir == "" {
			return nil, errors.New("this configuration has no state directory")
		}
		return []string{dir}, nil
	}
	root, own := defaultDir(cfg)
	switch {
	case root == "":
		return nil, errors.New("no state directory is known: say where with -state-dir or -config")
	case own:
		return []string{root}, nil
	}
	return below(root)
}

// below returns the directories right in root.
func below(root string) ([]string, error) {
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

var errNoBundle = errors.New("there is no bundle")

// dirOf returns the one directory of dirs that knows the bundle, or the only one
// whether it does or not, and the bundle's name there: a bundle of one file may be
// called by any path to that.
func dirOf(dirs []string, bundle string) (dir, name string, err error) {
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
		return "", "", fmt.Errorf("%w %q in %s: say where with -state-dir or -config", errNoBundle, bundle, strings.Join(dirs, ", "))
	}
	return "", "", fmt.Errorf("there is a bundle %q in each of %s: say which with -state-dir or -config", bundle, strings.Join(found, ", "))
}

func bundlesIn(dir string) ([]string, error) {
	j := journal.New(dir, journal.Options{ReadOnly: true})
	defer j.Close()
	return j.Bundles()
}

// A keptState is a state directory below the default one.
type keptState struct {
	dir     string
	owner   []string // see journal.Options; nil: it is not known
	running bool     // a daemon has it
	begun   time.Time
}

// keptStates returns the state directories below root.
func keptStates(root string) ([]keptState, error) {
	dirs, err := below(root)
	var all []keptState
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, "bundles")); err != nil {
			continue // it is something else
		}
		k := keptState{dir: dir, owner: journal.Owner(dir)}
		if info, err := os.Stat(filepath.Join(dir, "lock")); err == nil {
			k.begun = info.ModTime()
		}
		l := dirlock.New(dir)
		k.running = errors.Is(l.Take(false), dirlock.ErrInUse)
		_ = l.Close()
		all = append(all, k)
	}
	return all, err
}

// gone reports whether no daemon uses the directory, and nothing that it is about
// is there any more.
func (k keptState) gone() bool {
	there := func(path string) bool {
		_, err := os.Lstat(path)
		return !errors.Is(err, fs.ErrNotExist)
	}
	return k.owner != nil && !k.running && !slices.ContainsFunc(k.owner, there)
}

// unusedFor is how long a daemon leaves a state directory alone that is gone.
const unusedFor = 30 * 24 * time.Hour

// prune removes the state directories below root that have been gone for so long.
func prune(root string, unused time.Duration) (removed []string, err error) {
	all, _ := keptStates(root) // without any there is nothing to do
	for _, k := range all {
		if k.gone() && time.Since(k.begun) >= unused {
			err = errors.Join(err, os.RemoveAll(k.dir))
			removed = append(removed, k.dir)
		}
	}
	return removed, err
}

// listStates prints the state directories, and removes those that are gone where
// that is asked for.
func listStates(_ context.Context, p program, s *subcommand) error {
	root := s.stateDir
	if root == "" {
		cfg, err := config.Parse(nil, p.environ)
		if err != nil {
			return err
		}
		root = journal.DefaultDir(cfg.LookupEnv, os.Getuid())
	}
	if s.prune {
		removed, err := prune(root, 0)
		for _, dir := range removed {
			fmt.Fprintf(p.stdout, "removed %s\n", dir)
		}
		return err
	}
	all, err := keptStates(root)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "DIRECTORY\tBEGUN\tSTATE\tCONFIGURATION")
	for _, k := range all {
		state := "idle"
		switch {
		case k.running:
			state = "running"
		case k.gone():
			state = "gone"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", k.dir, k.begun.Local().Format(time.DateTime), state, cmp.Or(strings.Join(k.owner, ", "), "unknown"))
	}
	return table.Flush()
}
