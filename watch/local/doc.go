// Package local answers the queries that templates ask of Consul from one data
// file that stands in for it.
//
// The data file is YAML; docs/local.md has its format. [Parse] makes it into a
// [Model], which [Model.Answer] asks; both are pure. [Data] is the watch.Source
// around them: it follows the file on disk and tells of answers that changed.
package local
