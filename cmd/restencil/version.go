package main

import (
	"path/filepath"
	"runtime/debug"
	"strings"
)

// consulTemplate is what the program may be called as well: it is a drop-in
// for this version of it, and then says so.
const (
	consulTemplate        = "consul-template"
	consulTemplateVersion = "v0.42.1"
)

// called returns the name that a program was called by, from its path.
func called(path string) string {
	if name := strings.TrimSuffix(filepath.Base(path), ".exe"); name == consulTemplate {
		return name
	}
	return "restencil"
}

func (p program) isConsulTemplate() bool { return p.name == consulTemplate }

// version is what -version prints: the name and version, and in parentheses
// the commit it was built from or, for the other name, what it is.
func (p program) version() string {
	number, commit := build()
	if p.isConsulTemplate() {
		return consulTemplate + " " + consulTemplateVersion + " (restencil " + number + ")"
	}
	return "restencil " + number + " (" + commit + ")"
}

// build returns the version and the commit of the program, as far as the build
// knows them.
func build() (number, commit string) {
	number = "v0.1.0-dev"
	if info, ok := debug.ReadBuildInfo(); ok {
		if v := info.Main.Version; v != "" && v != "(devel)" {
			number = v
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = s.Value
			}
		}
	}
	return number, commit
}
