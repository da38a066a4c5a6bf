// Package filewatch tells when files may have changed on disk, and reads them.
//
// A [Watcher] hears of changes from the operating system (fsnotify). It also
// looks for itself every two seconds, as consul-template does (COMPAT 3.7):
// network file systems give no events, and a system has only so many to give.
// It follows a file through all the ways in which one is replaced: written in
// place, renamed over, deleted and made again, or reached through a symbolic
// link that changes, as in a volume of Kubernetes.
package filewatch
