package probe

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A program is one that is asked by commands: it is well in some of the times
// after its start, and each command takes a while.
type program struct {
	start time.Time
	well  [][2]time.Duration // from, to
	takes time.Duration
	tries int
	limit time.Duration // of the last command
}

func (p *program) run(ctx context.Context, args []string, timeout time.Duration) (string, error) {
	p.tries++
	p.limit = timeout
	select {
	case <-time.After(min(p.takes, timeout)):
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if p.takes > timeout {
		return "", fmt.Errorf("did not finish in %v", timeout)
	}
	at := time.Since(p.start)
	for _, w := range p.well {
		if w[0] <= at && at < w[1] {
			return "fine", nil
		}
	}
	return fmt.Sprintf("starting\nnot yet at %v\n", at), errors.New("exit status 1")
}

func TestWait(t *testing.T) {
	const s, ms, ever = time.Second, time.Millisecond, 1000 * time.Hour
	command := []string{"ask", "it"}
	tests := []struct {
		name    string
		probe   Probe
		program program
		took    time.Duration
		tries   int
		want    string
	}{
		{
			name:    "at once",
			program: program{well: [][2]time.Duration{{0, ever}}},
			took:    0, tries: 1,
		},
		{
			name:    "after a while",
			program: program{well: [][2]time.Duration{{s, ever}}},
			took:    s, tries: 5,
		},
		{
			name: "never",
			took: 9750 * ms, tries: 40,
			want: `command "ask it": tried for 10s, 40 times: exit status 1: "not yet at 9.75s"`,
		},
		{
			name:    "one try hangs",
			probe:   Probe{Within: 3 * s},
			program: program{takes: ever},
			took:    3 * s, tries: 1,
			want: `command "ask it": tried for 3s, once: did not finish in 3s`,
		},
		{
			name:    "each try hangs",
			program: program{takes: ever},
			probe:   Probe{Within: 3 * s, Timeout: s},
			took:    3 * s, tries: 3,
			want: `command "ask it": tried for 3s, 3 times: did not finish in 1s`,
		},
		{
			name:    "for a time",
			probe:   Probe{For: 2 * s},
			program: program{well: [][2]time.Duration{{s, ever}}},
			took:    3 * s, tries: 13,
		},
		{
			name:    "for a time that the interval does not divide",
			probe:   Probe{For: 2 * s, Interval: 3 * s},
			program: program{well: [][2]time.Duration{{0, ever}}},
			took:    2 * s, tries: 2,
		},
		{
			name:    "breaks and recovers",
			probe:   Probe{For: 2 * s},
			program: program{well: [][2]time.Duration{{0, s}, {3 * s, ever}}},
			took:    5 * s, tries: 21,
		},
		{
			name:    "breaks too late",
			probe:   Probe{For: 20 * s, Interval: s},
			program: program{well: [][2]time.Duration{{0, 15 * s}, {16 * s, ever}}},
			took:    15 * s, tries: 16,
			want: `command "ask it": held for 15s of 20s, then: exit status 1: "not yet at 15s"`,
		},
		{
			name:    "begins at the last moment",
			probe:   Probe{Within: s, For: 5 * s},
			program: program{well: [][2]time.Duration{{750 * ms, ever}}},
			took:    5750 * ms, tries: 24,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test.probe.Args = command
				test.program.start = time.Now()
				got := ""
				if err := test.probe.Wait(t.Context(), test.program.run); err != nil {
					got = err.Error()
				}
				if got != test.want {
					t.Errorf("got  %q\nwant %q", got, test.want)
				}
				if took := time.Since(test.program.start); took != test.took || test.program.tries != test.tries {
					t.Errorf("took %v and %d tries, want %v and %d", took, test.program.tries, test.took, test.tries)
				}
				if test.program.limit <= 0 {
					t.Errorf("the last try was to take %v", test.program.limit)
				}
			})
		})
	}
}

func TestWaitIsStopped(t *testing.T) {
	for _, takes := range []time.Duration{0, time.Hour} { // between tries, and in one
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			stop := errors.New("the end")
			start := time.Now()
			time.AfterFunc(1100*time.Millisecond, func() { cancel(stop) })
			p := program{start: start, takes: takes}
			err := Probe{Args: []string{"ask"}, Within: 1300 * time.Millisecond}.Wait(ctx, p.run)
			if !errors.Is(err, stop) {
				t.Errorf("got %v", err)
			}
			if took := time.Since(start); took != 1100*time.Millisecond {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestLastLine(t *testing.T) {
	tests := []struct{ output, want string }{
		{"", ""},
		{" \n\n", ""},
		{"a\nb c \n\n", "b c"},
		{strings.Repeat("x", 300) + "end", strings.Repeat("x", 197) + "end"},
	}
	for _, test := range tests {
		if got := lastLine(test.output); got != test.want {
			t.Errorf("lastLine(%q) = %q, want %q", test.output, got, test.want)
		}
	}
}
