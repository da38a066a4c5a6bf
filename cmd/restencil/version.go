package main

import "runtime/debug"

// version is the program's name, its version and the commit it was built
// from, as far as the build knows them.
func version() string {
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
	return "restencil " + number + " (" + commit + ")"
}
