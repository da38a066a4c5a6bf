package template

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSameOutput makes sure that both contenders do the same work.
func TestSameOutput(t *testing.T) {
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) {
			d := newDuel(t, c)
			our, their := mustRun(t, d.us), mustRun(t, d.them)
			if len(our) == 0 {
				t.Error("the output is empty")
			}
			if diff := cmp.Diff(string(their), string(our)); diff != "" {
				t.Errorf("the outputs differ (-consul-template +restencil):\n%s", diff)
			}
		})
	}
}

// BenchmarkExecute measures an execution of a template that has been executed
// before. Times are medians; x is our part of what consul-template takes.
func BenchmarkExecute(b *testing.B) {
	for _, c := range cases() {
		b.Run(c.name, func(b *testing.B) {
			d := newDuel(b, c)
			for b.Loop() {
				d.turn(b)
			}
			our, their := d.times()
			report(b, "time", "µs", our, their)
			ourCount, ourSize := allocated(b, d.us)
			theirCount, theirSize := allocated(b, d.them)
			report(b, "allocs", "allocs", ourCount, theirCount)
			report(b, "mem", "KB", ourSize/1e3, theirSize/1e3)
			b.ReportMetric(0, "ns/op") // a turn of both means nothing
		})
	}
}

func report(b *testing.B, what, unit string, our, their float64) {
	b.ReportMetric(our, "restencil-"+unit)
	b.ReportMetric(their, "consul-template-"+unit)
	b.ReportMetric(our/their, what+"-x")
}
