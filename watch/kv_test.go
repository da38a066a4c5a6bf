package watch

import "testing"

func TestRelativeKey(t *testing.T) {
	tests := []struct{ prefix, path, want string }{
		{"app", "app/port", "port"},
		{"app/", "app/port", "port"},
		{"app", "app/db/port", "db/port"},
		{"app", "apple", "le"},
		{"app/", "app/", ""},
		{"app", "app//x", "x"},
		{"", "app/port", "app/port"},
		{"", "/app", "app"},
	}
	for _, tt := range tests {
		if got := RelativeKey(tt.prefix, tt.path); got != tt.want {
			t.Errorf("RelativeKey(%q, %q) = %q, want %q", tt.prefix, tt.path, got, tt.want)
		}
	}
}
