package bundle

import "restencil/runner/bundle/group"

// An Offer is what the runner has for a bundle.
type Offer struct {
	// Pass numbers the rounds of the runner's loop, and is never 0. A report
	// says up to which the bundle has done what there was to do.
	Pass int

	// Outputs are the newest of the members that have news, by the member's
	// place in the spec.
	Outputs map[int]group.Rendered

	// Outstanding tells that a member that has no output yet waits for answers
	// that are on their way. The first run of the command waits for it.
	Outstanding bool

	ticket *Ticket // with Each
}

// after returns o with the place in the lane of an older offer, if that has one.
func (o Offer) after(older *Ticket) Offer {
	if older != nil {
		o.ticket.Release()
		o.ticket = older
	}
	return o
}

// merge returns o with what a newer offer has besides.
func (o Offer) merge(newer Offer) Offer {
	all := o.Outputs
	for i, r := range newer.Outputs {
		if old, ok := all[i]; ok {
			r.SameData = r.SameData && old.SameData
			r.Recheck = r.Recheck || old.Recheck
			r.Announce = r.Announce || old.Announce
		}
		if all == nil {
			all = make(map[int]group.Rendered)
		}
		all[i] = r
	}
	newer.Outputs = all
	return newer.after(o.ticket)
}
