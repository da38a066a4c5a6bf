// Package record makes a data file of what templates ask of live stores.
//
// A [Recorder] keeps the newest answers of the sources that it wraps. [Recorder.Write]
// writes them in the form of package watch/local, with placeholders for secrets.
package record
