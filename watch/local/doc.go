// Package local answers queries without a server: from one data file that
// stands in for Consul, and from the files that templates read.
//
// The data file is YAML, JSON or HCL; docs/local.md has its format. [Parse]
// makes it into a [Model], which [Model.Answer] asks; both are pure. [Data] is
// the watch.Source around them: it follows the file on disk and tells of
// answers that changed. [Files] is the source of the function file.
//
// Both sources hear of changes from the operating system (fsnotify), and look
// for themselves every two seconds, should it have said nothing. They survive
// the ways in which files are replaced: written in place, renamed over,
// deleted and made anew, or reached through a symbolic link that changes, as
// in a volume of Kubernetes.
package local
