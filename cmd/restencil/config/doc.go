// Package config turns the command line, configuration files and the
// environment into one [Config] of plain values, and that into the Options of
// the packages that do the work. It is the only place that knows flags, HCL
// and JSON.
//
// What there is to configure stands in one table: a setting says its key, its
// flag, its environment variables, its default and its help in one place
// ([Config.settings], [Template.settings]). A new one is a field and a line.
//
// The layers are laid one over the other on the same Config: defaults, files
// in order, CT_LOCAL_CONFIG, flags. Each write is noted with its place
// ([Origin]). What nobody wrote is then taken from the environment or derived
// from the rest (finish.go), and the whole is checked once (validate.go).
//
// Files are consul-template's, made for HCL 1 (COMPAT section 2). hcl/v2 reads
// them, after what it would take otherwise was masked (normalise.go).
package config
