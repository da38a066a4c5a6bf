package bench

import (
	"fmt"
	"math"
	"time"
)

// A figure is what is measured.
type figure string

// The figures, and what they count.
const (
	timeTaken   figure = "time"        // seconds
	cpuTime     figure = "CPU"         // seconds
	memory      figure = "memory"      // bytes
	connections figure = "connections" // to the agent, at once
	requests    figure = "requests"    // that the agent answered
	agentCPU    figure = "agent CPU"   // seconds; no column of tables
)

// columns are the figures of tables, in order.
func columns() []figure { return []figure{timeTaken, cpuTime, memory, connections, requests} }

// Figures are what was measured of a program. What was not is not there; a
// time without end is that of what never came.
type figures map[figure]float64

// valuesOf returns one figure of each.
func valuesOf(f figure, all []figures) []float64 {
	var values []float64
	for _, one := range all {
		values = append(values, one[f])
	}
	return values
}

// A row is what was measured in a scenario, by program.
type row struct {
	scenario
	of map[string]figures
}

// keepBest takes what is less in an earlier measurement of the same scenario: what
// disturbs a program makes its figures larger, never smaller.
func (r row) keepBest(earlier row) {
	for name, of := range earlier.of {
		for f, value := range of {
			if now, known := r.of[name][f]; known {
				r.of[name][f] = min(now, value)
			}
		}
	}
}

// ratio returns how a figure of restencil compares with another program's,
// if both are known.
func (r row) ratio(f figure, to string) (float64, bool) {
	ours, known := r.of[restencil][f]
	theirs, knownToo := r.of[to][f]
	if !known || !knownToo || theirs == 0 || math.IsInf(ours, 1) || math.IsInf(theirs, 1) {
		return 0, false
	}
	return ours / theirs, true
}

// text returns a figure as people read it.
func (f figure) text(value float64) string {
	switch {
	case math.IsInf(value, 1):
		return "never"
	case f == timeTaken || f == cpuTime || f == agentCPU:
		return duration(time.Duration(value * float64(time.Second)))
	case f == memory:
		return fmt.Sprintf("%.0f MiB", value/(1<<20))
	case value == math.Trunc(value):
		return grouped(int(value))
	}
	return fmt.Sprintf("%.1f", value)
}

// duration returns d with two or three digits that say something.
func duration(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d >= time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d >= 10*time.Millisecond:
		return fmt.Sprintf("%.0f ms", d.Seconds()*1e3)
	case d >= 100*time.Microsecond:
		return fmt.Sprintf("%.2f ms", d.Seconds()*1e3)
	}
	return fmt.Sprintf("%d µs", d.Microseconds())
}

// grouped returns n with a comma before each three digits.
func grouped(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", grouped(n/1000), n%1000)
}
