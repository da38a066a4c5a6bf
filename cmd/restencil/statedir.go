package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"restencil/cmd/restencil/config"
	"restencil/runner/journal"
)

// stateDir returns the state directory that a configuration has, "" for none.
// By default each configuration has one of its own below the one that package
// journal finds, so that several can run side by side; but for that of systemd,
// which is the unit's own.
func stateDir(cfg *config.Config) string {
	switch cfg.State.Dir {
	case config.StateNone:
		return ""
	case "":
		root, own := defaultDir(cfg.LookupEnv)
		if root == "" || own {
			return root
		}
		return filepath.Join(root, instance(cfg))
	}
	return cfg.State.Dir
}

// defaultDir returns where state directories are; own says that it is one
// itself.
func defaultDir(lookupEnv func(string) (string, bool)) (dir string, own bool) {
	value, _ := lookupEnv("STATE_DIRECTORY")
	return journal.DefaultDir(lookupEnv, os.Getuid()), value != ""
}

// instance names a configuration: by its files, or without one by what it
// writes.
func instance(cfg *config.Config) string {
	paths := slices.Clone(cfg.Paths)
	for i := range cfg.Templates {
		if len(cfg.Paths) == 0 {
			paths = append(paths, cfg.Templates[i].Destination)
		}
	}
	for i, path := range paths {
		if abs, err := filepath.Abs(path); err == nil {
			paths[i] = abs
		}
	}
	if len(paths) == 0 {
		return "none"
	}
	sum := sha256.Sum256([]byte(strings.Join(paths, "\x00")))
	name := filepath.Base(paths[0])
	return awkward.ReplaceAllString(name[:min(len(name), 40)], "_") + "-" + hex.EncodeToString(sum[:4])
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
	root, own := defaultDir(cfg.LookupEnv)
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

// dirOf returns the one directory of dirs that knows the bundle; the only one
// whether it does or not.
func dirOf(dirs []string, bundle string) (string, error) {
	if len(dirs) == 1 {
		return dirs[0], nil
	}
	var found []string
	for _, dir := range dirs {
		names, err := bundlesIn(dir)
		if err != nil {
			return "", err
		}
		if slices.Contains(names, bundle) {
			found = append(found, dir)
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("%w %q in %s: say where with -state-dir or -config", errNoBundle, bundle, strings.Join(dirs, ", "))
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("there is a bundle %q in each of %s: say which with -state-dir or -config", bundle, strings.Join(found, ", "))
}

func bundlesIn(dir string) ([]string, error) {
	j, err := journal.Open(dir, journal.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer j.Close()
	return j.Bundles()
}
