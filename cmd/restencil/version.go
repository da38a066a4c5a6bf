package main

import "runtime/debug"

// consulTemplate is the name of the program that restencil replaces. Run under that
// name, -version prints this version.
const (
	consulTemplate        = "consul-template"
	consulTemplateVersion = "v0.42.1"
)

// version is what -version prints: the name and version, and in parentheses
// the commit it was built from or, for the other name, what it is.
func (p program) version() string {
	number, commit := "v0.1.0-dev", ""
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
	if p.name == consulTemplate {
		return consulTemplate + " " + consulTemplateVersion + " (restencil " + number + ")"
	}
	return "restencil " + number + " (" + commit + ")"
}
