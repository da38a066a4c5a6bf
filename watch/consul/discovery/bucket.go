package discovery

import "time"

// A bucket is a token bucket: it holds burst tokens, and gets one every interval. It
// starts full.
type bucket struct {
	interval time.Duration
	burst    int
	full     time.Time // when it is full again
}

// wait returns the time until there is a token.
func (b *bucket) wait(now time.Time) time.Duration {
	if !b.full.After(now) {
		return 0
	}
	return max(0, b.full.Sub(now)-b.interval*time.Duration(b.burst-1))
}

// take takes a token, even if there is none, and delays the next ones by extra.
func (b *bucket) take(now time.Time, extra time.Duration) {
	if b.full.Before(now) {
		b.full = now
	}
	b.full = b.full.Add(b.interval + extra)
}

// Pause returns how long to wait between a reply of so many bytes to the blocking query
// for s and the next request. After a few replies there is an interval, which grows with
// the size. A list of checks that is empty ends with the change of any check, so that a
// reply for warnings, which are rare, counts twice if it has no difference.
func (a *assignment) Pause(s Source, bytes int64, now time.Time) time.Duration {
	interval, perMB := 160*time.Millisecond, 2*time.Second
	switch s.Kind {
	case Node:
		interval = 500 * time.Millisecond
	case Services:
		interval, perMB = 50*time.Millisecond, 10*time.Second
	}
	b := a.paces[s]
	if b == nil {
		b = &bucket{interval: interval, burst: 5}
		a.paces[s] = b
	}
	extra := time.Duration(float64(perMB) * float64(bytes) / (1 << 20))
	if s.Kind == Warning && a.sameWarnings {
		extra += interval
	}
	b.take(now, extra)
	return b.wait(now)
}
