package process

import (
	"syscall"
	"testing"
)

func TestLivesIn(t *testing.T) {
	tests := []struct {
		stat string
		want bool
	}{
		{"12 (sleep) S 1 10 9 0 -1", true},
		{"12 (a) b) (c) R 1 10 9 0 -1", true},
		{"12 (sleep) Z 1 10 9 0 -1", false},
		{"12 (sleep) X 1 10 9 0 -1", false},
		{"12 (sleep) S 10 11 9 0 -1", false},
		{"12 (sleep) S 10", false},
		{"", false},
	}
	for _, tt := range tests {
		if got := livesIn([]byte(tt.stat), 10); got != tt.want {
			t.Errorf("%q: %v, want %v", tt.stat, got, tt.want)
		}
	}
}

func TestIgnores(t *testing.T) {
	const text = "Name:\tsh\nSigBlk:\tffffffffffffffff\nSigIgn:\t0000000000000002\nSigCgt:\t0000000000000000\n"
	for sig, want := range map[syscall.Signal]bool{syscall.SIGINT: true, syscall.SIGHUP: false, 0: false} {
		if got := ignores([]byte(text), sig); got != want {
			t.Errorf("%v: %v, want %v", sig, got, want)
		}
	}
	if ignores(nil, syscall.SIGINT) {
		t.Error("who cannot be seen is taken for deaf")
	}
}
