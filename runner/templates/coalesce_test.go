package templates

import (
	"testing"
	"time"
)

func TestCoalesce(t *testing.T) {
	start := time.Unix(1000, 0)
	var c coalesce
	c.executed(2, 2, 0)
	c.changed(start)
	c.changed(start.Add(time.Millisecond))
	if want := start.Add(leastCoalesce); !c.until.Equal(want) || c.due() {
		t.Errorf("until %v, due %v, want %v", c.until, c.due(), want)
	}
	c.until = time.Time{}
	c.executed(2, 2, 0) // in vain
	c.changed(start)
	if want := start.Add(2 * leastCoalesce); !c.until.Equal(want) {
		t.Errorf("after an execution in vain until %v, want %v", c.until, want)
	}
	c.until = time.Time{}
	c.executed(2, 3, 0) // which led to a question
	c.changed(start)
	if want := start.Add(leastCoalesce); !c.until.Equal(want) {
		t.Errorf("after a discovery until %v, want %v", c.until, want)
	}
	c.until = time.Time{}
	c.executed(2, 4, time.Second) // which took long
	c.changed(start)
	if want := start.Add(4 * time.Second); !c.until.Equal(want) {
		t.Errorf("after a long execution until %v, want %v", c.until, want)
	}
	for range 3 { // one more than there are
		c.answered()
	}
	if !c.due() || c.outstanding != 0 {
		t.Errorf("all is there: %+v", c)
	}
	for range 100 {
		c.executed(1, 4, 0)
	}
	if c.delay != mostCoalesce {
		t.Errorf("delay %v, want it bounded", c.delay)
	}
}
