// Package filewatch reports changes of files on disk, and reads them.
//
// A [Watcher] uses the events of the operating system (fsnotify), and also polls
// every two seconds, as consul-template does (COMPAT 3.7): network file systems
// give no events, and the number of watches is limited. It follows a file that is
// written in place, renamed over, deleted and created again, or reached through a
// symbolic link that changes, as in a volume of Kubernetes.
package filewatch
