package bench

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"restencil/test/binary"
)

// TestStatus compares a restencil while it serves its status and metrics over HTTP, and
// nobody asks, with the same process while it does not: two processes of one program
// differ by more than what is looked for.
func TestStatus(t *testing.T) {
	needLinux(t)
	const (
		most   = 1.02
		passes = 6 // after each, all so far are judged
	)
	p := program{name: restencil, path: binary.Path(t), more: []string{"-config", filepath.Join(t.TempDir(), "status.hcl")}}
	keepTemp(t)
	status := map[bool]string{true: `status { address = "127.0.0.1:0" }`}
	writeFile(t, p.more[1], nil)
	work := oneKey()
	s := newSetup(t, newAgent(t, p, work), p, work)
	s.start()
	s.ready()
	took, used := make(map[bool][]float64), make(map[bool][]float64)
	for range passes {
		for i := range 2 * times(10) {
			on := i%2 == 0
			writeFile(t, p.more[1], []byte(status[on]))
			if err := s.process.cmd.Process.Signal(syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			for end := time.Now().Add(timeout); s.process.listens() != on; time.Sleep(time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("it does not serve the status, or still does\n%s", s.process.output())
				}
			}
			s.process.settle()
			for range times(5) {
				s.turn() // after a reload all is cold
			}
			before := s.process.cpu()
			for range times(25) {
				took[on] = append(took[on], s.turn().Seconds())
			}
			used[on] = append(used[on], (s.process.cpu()-before).Seconds()/float64(times(25)))
		}
		kept := true
		for f, values := range map[figure]map[bool][]float64{timeTaken: took, cpuTime: used} {
			on, off := betterHalf(values[true]), betterHalf(values[false])
			t.Logf("%s: %s with the status over HTTP, %s without: %.3f×", f, f.text(on), f.text(off), on/off)
			kept = kept && on <= most*off
		}
		if kept || !*judge {
			return
		}
	}
	t.Errorf("to serve the status takes more than %.2f× of the time or CPU", most)
}
