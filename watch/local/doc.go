// Package local answers queries to Consul from a data file instead.
//
// The data file is YAML; docs/local.md has its format. [Parse] makes a [Model] of
// it, which answers queries; both are pure. [Data] is the watch.Source: it follows
// the file on disk and publishes the answers that change.
package local
