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

// offered is what is known of the newest offer.
type offered struct {
	pass        int
	outstanding bool    // as in Offer
	ticket      *Ticket // the place in the lane, nil: none
}

// take notes what is offered. The older of two places in the lane counts.
func (of *offered) take(o Offer) {
	of.pass, of.outstanding = o.Pass, o.Outstanding
	if of.ticket == nil {
		of.ticket = o.ticket
	} else {
		o.ticket.Release()
	}
}

// merge returns o with what a newer offer has besides.
func (o Offer) merge(newer Offer) Offer {
	for i, r := range newer.Outputs {
		if old, ok := o.Outputs[i]; ok {
			r.SameData = r.SameData && old.SameData
			r.Recheck = r.Recheck || old.Recheck
			r.Announce = r.Announce || old.Announce
		}
		if o.Outputs == nil {
			o.Outputs = make(map[int]group.Rendered)
		}
		o.Outputs[i] = r
	}
	o.Pass, o.Outstanding = newer.Pass, newer.Outstanding
	if o.ticket == nil {
		o.ticket = newer.ticket
	} else {
		newer.ticket.Release()
	}
	return o
}
