package templates

import "time"

// The limits of coalesce.delay.
const (
	leastCoalesce = 5 * time.Millisecond
	mostCoalesce  = 160 * time.Millisecond
)

// A coalesce says when a template that got an answer is executed again: when the
// last answer that it lacks has arrived; or, since the queries that it uses may
// depend on the answers, some time after the first. That delay grows as long as it
// leads to no new query, and is long compared with an execution.
type coalesce struct {
	outstanding int           // how many queries it uses that have neither an answer nor a failure
	used        int           // how many queries it used the last time
	delay       time.Duration // from the first change to the next execution
	until       time.Time     // when it is executed in any case; zero: nothing has changed
}

// executed records an execution, which took so long.
func (c *coalesce) executed(outstanding, used int, took time.Duration) {
	c.delay = min(2*c.delay, mostCoalesce)
	if used > c.used || outstanding == 0 {
		c.delay = leastCoalesce
	}
	c.delay = max(c.delay, 4*took)
	c.outstanding, c.used = outstanding, used
}

// answered records that a query has its first answer, or failed.
func (c *coalesce) answered() {
	if c.outstanding > 0 {
		c.outstanding--
	}
}

// changed records that an answer has changed.
func (c *coalesce) changed(now time.Time) {
	if c.until.IsZero() {
		c.until = now.Add(c.delay)
	}
}

// due reports whether an answer has changed, and none is outstanding.
func (c *coalesce) due() bool { return !c.until.IsZero() && c.outstanding == 0 }
