package discovery

import "time"

// A bucket is a token bucket: it holds burst tokens, and gets a new one every
// interval. It starts full.
type bucket struct {
	interval time.Duration
	burst    int
	full     time.Time // when it is full again
}

// wait returns how long it takes until there is a token.
func (b *bucket) wait(now time.Time) time.Duration {
	if !b.full.After(now) {
		return 0
	}
	return max(0, b.full.Sub(now)-b.interval*time.Duration(b.burst-1))
}

// take takes a token, whether there is one or not, and delays the following ones
// by extra.
func (b *bucket) take(now time.Time, extra time.Duration) {
	if b.full.Before(now) {
		b.full = now
	}
	b.full = b.full.Add(b.interval + extra)
}

// A pace limits how often one blocking query is sent: each reply, after the
// first few, costs a pause that grows with its size.
type pace struct {
	interval time.Duration
	perMB    time.Duration
}

const paceBurst = 5

// paceOf returns the pace of a source.
func paceOf(kind Kind) pace {
	switch kind {
	case Node:
		return pace{500 * time.Millisecond, 2 * time.Second}
	case Services:
		return pace{50 * time.Millisecond, 10 * time.Second}
	default:
		return pace{150 * time.Millisecond, 2 * time.Second}
	}
}

// Pause returns how long to wait between a reply of so many bytes to the
// blocking query for s and the next request. A reply without a difference counts
// twice: a list of checks that is empty ends with the change of any check.
func (a *assignment) Pause(s Source, bytes int64, now time.Time) time.Duration {
	p := paceOf(s.Kind)
	b := a.paces[s]
	if b == nil {
		b = &bucket{interval: p.interval, burst: paceBurst}
		a.paces[s] = b
	}
	extra := time.Duration(float64(p.perMB) * float64(bytes) / (1 << 20))
	if a.vain[s.Kind] {
		extra += p.interval
	}
	b.take(now, extra)
	return b.wait(now)
}
