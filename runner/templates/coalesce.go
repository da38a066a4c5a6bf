package templates

import "time"

// A template that still lacks answers is not executed for each one that comes
// in: it would be in vain, a thousand times for a thousand keys. It is when the
// last has come; or, since what it asks may depend on those that it has, some
// time after the first. That time grows as long as it leads to no new question.
const (
	leastCoalesce = 5 * time.Millisecond
	mostCoalesce  = 160 * time.Millisecond
)

// coalesce says when a template that got an answer is executed again.
type coalesce struct {
	outstanding int           // how many queries it uses that have neither an answer nor a failure
	used        int           // how many queries it used the last time
	delay       time.Duration // from the first news to the next execution
	until       time.Time     // when it is executed in any case; zero: there is no news
}

// begin notes that an execution begins. What changes from now on is news for the
// next one.
func (c *coalesce) begin() { c.until = time.Time{} }

// executed notes the end of an execution.
func (c *coalesce) executed(outstanding, used int) {
	c.delay = min(2*c.delay, mostCoalesce)
	if used > c.used || outstanding == 0 {
		c.delay = leastCoalesce
	}
	c.outstanding, c.used = outstanding, used
}

// answered notes that a query has its first answer, or failed.
func (c *coalesce) answered() {
	if c.outstanding > 0 {
		c.outstanding--
	}
}

// changed notes that there is news at now.
func (c *coalesce) changed(now time.Time) {
	if c.until.IsZero() {
		c.until = now.Add(c.delay)
	}
}

// due tells whether there is news, and nothing to wait for.
func (c *coalesce) due() bool { return !c.until.IsZero() && c.outstanding == 0 }
