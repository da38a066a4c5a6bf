package group

import (
	"testing"
	"time"

	"restencil/runner/process"
)

func TestDebounce(t *testing.T) {
	start := time.Unix(1000, 0)
	ms := func(n int) time.Time { return start.Add(time.Duration(n) * time.Millisecond) }
	tests := []struct {
		name  string
		wait  Wait
		ticks []int // when changes come, in ms
		due   int
	}{
		{"one change waits for min", Wait{time.Second, 4 * time.Second}, []int{0}, 1000},
		{"another pushes it", Wait{time.Second, 4 * time.Second}, []int{0, 900}, 1900},
		{"never past max after the first", Wait{time.Second, 3 * time.Second}, []int{0, 500, 1000, 1500, 2000, 2500, 2900}, 3000},
		{"a change at the very end does not go past max", Wait{time.Second, 3 * time.Second}, []int{0, 3000}, 3000},
		{"max below min counts as min", Wait{time.Second, 0}, []int{0, 500}, 1000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var d debounce
			for _, at := range tt.ticks {
				d.tick(ms(at), tt.wait, 0)
			}
			if !d.due.Equal(ms(tt.due)) {
				t.Errorf("due after %v, want %d ms", d.due.Sub(start), tt.due)
			}
		})
	}
}

// An implicit bundle is known by its command and destinations, in whichever order
// its templates stand; a named one by its name.
func TestKey(t *testing.T) {
	spec := func(p Policy, name, command string, destinations ...string) Spec {
		s := Spec{Policy: p, Name: name, Reload: process.Command{Args: []string{command}}}
		for _, path := range destinations {
			s.Members = append(s.Members, Member{Destination: path})
		}
		return s
	}
	one := spec(Each, "/a", "reload", "/a", "/b")
	for _, tt := range []struct {
		other Spec
		same  bool
	}{
		{spec(Each, "/b", "reload", "/b", "/a"), true},
		{spec(Each, "/a", "reload", "/a"), false},
		{spec(Each, "/a", "restart", "/a", "/b"), false},
		{spec(Together, "/a", "reload", "/a", "/b"), false},
	} {
		if same := one.Key() == tt.other.Key(); same != tt.same {
			t.Errorf("%+v has the same key: %v", tt.other, same)
		}
	}
	if spec(Together, "web", "x", "/a").Key() != spec(Together, "web", "y", "/b").Key() {
		t.Error("a named bundle is not known by its name")
	}
}
