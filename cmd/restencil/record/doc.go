// Package record writes what live stores answered as a data file, in the form of package
// watch/local, with placeholders for secrets.
package record
