package suggest

import "testing"

func TestNearest(t *testing.T) {
	known := []string{"address", "renew_token", "source", "destination", "log_level", "id", "nginx", "sprig_upper", "toJSON"}
	for name, want := range map[string]string{
		"adress":     "address",
		"Address":    "address",
		"sorce":      "source",
		"soruce":     "source",
		"ngnix":      "nginx",
		"renew":      "renew_token",
		"loglevel":   "log_level",
		"upper":      "sprig_upper",
		"tojson":     "toJSON",
		"ip":         "id",
		"x":          "",
		"":           "",
		"foo":        "",
		"frobnicate": "",
	} {
		if got := Nearest(name, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}
