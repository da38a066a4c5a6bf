package dependency

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSecretClone(t *testing.T) {
	if (*Secret)(nil).Clone() != nil {
		t.Error("the clone of nil is not nil")
	}
	sample := func() *Secret {
		return &Secret{
			LeaseID:  "l",
			Data:     map[string]any{"a": "1", "m": map[string]any{"b": []any{map[string]any{"c": "2"}}}},
			Warnings: []string{"w"},
			Auth:     &SecretAuth{ClientToken: "t", Policies: []string{"p"}, Metadata: map[string]string{"k": "v"}},
			WrapInfo: &SecretWrapInfo{Token: "t"},
		}
	}
	original, clone := sample(), sample().Clone()
	if diff := cmp.Diff(original, clone); diff != "" {
		t.Fatalf("the clone differs (-original +clone):\n%s", diff)
	}
	clone = original.Clone()
	clone.Data["a"] = "9"
	clone.Data["m"].(map[string]any)["b"].([]any)[0].(map[string]any)["c"] = "9"
	clone.Warnings[0] = "9"
	clone.Auth.ClientToken = "9"
	clone.Auth.Policies[0] = "9"
	clone.Auth.Metadata["k"] = "9"
	if diff := cmp.Diff(sample(), original); diff != "" {
		t.Errorf("a change of the clone reached the original:\n%s", diff)
	}
}
