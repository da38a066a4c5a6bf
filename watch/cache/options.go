package cache

import (
	"cmp"
	"time"
)

// Options say how answers are kept. The zero Options are usable.
type Options struct {
	// Of names what the answers are about, such as the store's address. A
	// file that was written with another name is not used.
	Of string

	// Every is the shortest time between two writes of the file. One that
	// takes long is not repeated so soon. Zero means 5 s.
	Every time.Duration

	// Unused is how long the answer to a query that nobody watches is kept.
	// Zero means 30 days.
	Unused time.Duration

	// Size is how large the file may be, in bytes; beyond that, what has been
	// unused the longest is left out. Zero means 64 MiB.
	Size int

	// Problem is told why a file is not used, which is ErrOtherVersion after
	// an upgrade, and why the file could not be written; of the latter once,
	// until it could. It is called by Run's goroutines and returns at once.
	// Nil: nobody is told.
	Problem func(error)
}

// filled returns o with the defaults of those fields that are zero.
func (o Options) filled() Options {
	o.Every = cmp.Or(o.Every, 5*time.Second)
	o.Unused = cmp.Or(o.Unused, 30*24*time.Hour)
	o.Size = cmp.Or(o.Size, 64<<20)
	if o.Problem == nil {
		o.Problem = func(error) {}
	}
	return o
}
