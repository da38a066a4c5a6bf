package lease

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"restencil/watch"
)

var (
	start = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	rules = Rules{Threshold: 0.9, Default: 5 * time.Minute}
)

func TestTerms(t *testing.T) {
	tests := map[string]struct {
		secret *watch.Secret
		want   Terms
		err    bool
	}{
		"nothing":             {nil, Terms{}, false},
		"static":              {&watch.Secret{Data: map[string]any{"a": "b"}}, Terms{}, false},
		"key-value version 1": {&watch.Secret{LeaseDuration: 2764800}, Terms{Life: 768 * time.Hour}, false},
		"renewable": {
			&watch.Secret{LeaseID: "l", LeaseDuration: 60, Renewable: true},
			Terms{ID: "l", Renewable: true, Life: time.Minute, Ends: true}, false,
		},
		"not renewable":              {&watch.Secret{LeaseID: "l", LeaseDuration: 60}, Terms{ID: "l", Life: time.Minute, Ends: true}, false},
		"renewable, but what":        {&watch.Secret{LeaseDuration: 60, Renewable: true}, Terms{Life: time.Minute}, false},
		"lease of no known duration": {&watch.Secret{LeaseID: "l", Renewable: true}, Terms{ID: "l", Renewable: true}, false},
		"token": {
			&watch.Secret{LeaseDuration: 7, Renewable: true, Auth: &watch.SecretAuth{ClientToken: "t", LeaseDuration: 60}},
			Terms{Token: true, Life: time.Minute, Ends: true}, false,
		},
		"renewable token that does not say": {
			&watch.Secret{LeaseDuration: 7, Auth: &watch.SecretAuth{ClientToken: "t", Renewable: true}},
			Terms{Token: true, Renewable: true, Life: 7 * time.Second, Ends: true}, false,
		},
		"certificate": {
			&watch.Secret{Data: map[string]any{"certificate": "c", "expiration": json.Number(unix(time.Hour))}},
			Terms{Life: time.Hour, Ends: true}, false,
		},
		"certificate, leased": {
			&watch.Secret{LeaseID: "l", LeaseDuration: 60, Data: map[string]any{"certificate": "c", "expiration": json.Number(unix(time.Hour))}},
			Terms{ID: "l", Life: time.Minute, Ends: true}, false,
		},
		"secret id": {
			&watch.Secret{Data: map[string]any{"secret_id": "s", "secret_id_ttl": json.Number("60")}},
			Terms{Life: 61 * time.Second, Ends: true}, false,
		},
		"secret id for ever": {
			&watch.Secret{LeaseDuration: 9, Data: map[string]any{"secret_id": "s", "secret_id_ttl": json.Number("0")}},
			Terms{Life: 9 * time.Second}, false,
		},
		"rotating": {
			&watch.Secret{Data: map[string]any{"rotation_period": json.Number("86400"), "ttl": json.Number("60")}},
			Terms{Life: 61 * time.Second, Ends: true, Exact: true}, false,
		},
		"rotating now": {
			&watch.Secret{Data: map[string]any{"rotation_period": json.Number("86400"), "ttl": json.Number("0")}},
			Terms{}, true,
		},
		"rotating, leased": {
			&watch.Secret{LeaseID: "l", LeaseDuration: 5, Data: map[string]any{"rotation_period": json.Number("86400"), "ttl": json.Number("0")}},
			Terms{ID: "l", Life: 5 * time.Second, Ends: true}, false,
		},
		"beyond all bounds": {&watch.Secret{LeaseDuration: 1 << 62}, Terms{Life: maxLife}, false},
		"negative":          {&watch.Secret{LeaseDuration: -5}, Terms{}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Of(tt.secret, start)
			if (err != nil) != tt.err {
				t.Errorf("the error is %v", err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" && !tt.err {
				t.Error(diff)
			}
		})
	}
}

func unix(after time.Duration) string {
	text, _ := json.Marshal(start.Add(after).Unix())
	return string(text)
}

func TestNext(t *testing.T) {
	renewable := Terms{ID: "l", Renewable: true, Life: 100 * time.Second, Ends: true}
	firm := Terms{ID: "l", Life: 100 * time.Second, Ends: true}
	later := start.Add(time.Hour)
	tests := map[string]struct {
		lease Lease
		renew bool
		after time.Duration // of start
	}{
		"says nothing, earliest":     {New(Terms{}, start, rules, 0), false, 255 * time.Second},
		"says nothing, middle":       {New(Terms{}, start, rules, 0.5), false, 270 * time.Second},
		"not renewable":              {New(firm, start, rules, 0.5), false, 90 * time.Second},
		"until a time":               {Until(start, start.Add(20*time.Second), start.Add(50*time.Second)), false, 20 * time.Second},
		"every so often":             {Every(30*time.Second, start), false, 30 * time.Second},
		"rotating":                   {New(Terms{Life: 61 * time.Second, Exact: true}, start, rules, 0), false, 61 * time.Second},
		"renewable":                  {New(renewable, start, rules, 0), true, 66666666666},
		"renewed":                    {New(renewable, start, rules, 0).Renewed(later, 90*time.Second, true), true, time.Hour + 60*time.Second},
		"renewed for the last time":  {New(renewable, start, rules, 0.5).Renewed(later, 100*time.Second, false), false, time.Hour + 90*time.Second},
		"granted much less":          {New(renewable, start, rules, 0.5).Renewed(later, 30*time.Second, true), false, time.Hour + 20*time.Second},
		"granted next to nothing":    {New(renewable, start, rules, 0.5).Renewed(later, time.Second, true), false, time.Hour},
		"granted nothing":            {New(renewable, start, rules, 0.5).Renewed(later, 0, true), false, 90 * time.Second},
		"refused":                    {New(renewable, start, rules, 0.5).Refused(), false, 90 * time.Second},
		"outage":                     {New(renewable, start, rules, 0.5).Postponed(start.Add(70 * time.Second)), true, 70 * time.Second},
		"outage, backoff beyond end": {New(renewable, start, rules, 0.5).Postponed(later), false, 90 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			renew, at := tt.lease.Next()
			off := at.Sub(start) - tt.after
			if renew != tt.renew || off.Abs() > time.Millisecond {
				t.Errorf("renew is %v after %v, want %v after %v", renew, at.Sub(start), tt.renew, tt.after)
			}
		})
	}
}

func TestShareStaysAShare(t *testing.T) {
	for _, threshold := range []float64{0.001, 0.04, 0.5, 0.9, 0.96, 0.999} {
		for _, chance := range []float64{0, 0.25, 0.5, 0.999} {
			got := Share(threshold, chance)
			if got <= 0 || got >= 1 || got > threshold+0.05 || got < threshold-0.05 {
				t.Errorf("the share is %v for a threshold of %v and a chance of %v", got, threshold, chance)
			}
		}
	}
}

// TestReplacedInTime: whatever is granted, what is next comes before the end.
func TestReplacedInTime(t *testing.T) {
	for life := time.Second; life < 1000*time.Hour; life = life*5/3 + 1 {
		for _, granted := range []time.Duration{life, life * 3 / 4, life / 2, life / 10, life / 1000} {
			for _, chance := range []float64{0, 0.5, 0.99} {
				l := New(Terms{ID: "l", Renewable: true, Life: life, Ends: true}, start, rules, chance)
				l = l.Renewed(start, granted, true)
				if _, at := l.Next(); !at.Before(l.End()) && granted > 0 {
					t.Errorf("of a life of %v, %v was granted: next is at its end or later", life, granted)
				}
			}
		}
	}
}

func TestMove(t *testing.T) {
	tests := map[string]struct {
		ends   time.Time
		chance float64
		want   time.Duration
	}{
		"soon":         {start.Add(10 * time.Second), 0.999999, 5 * time.Second},
		"over already": {start.Add(-time.Hour), 0.5, 0},
		"far away":     {start.Add(100 * time.Hour), 0.5, 5 * time.Minute},
		"not known":    {time.Time{}, 0.5, 10 * time.Second},
		"at once":      {start.Add(10 * time.Second), 0, 0},
	}
	for name, tt := range tests {
		got := Move(start, tt.ends, tt.chance).Sub(start)
		if (got - tt.want).Abs() > time.Millisecond {
			t.Errorf("%s: asked anew after %v, want %v", name, got, tt.want)
		}
	}
}

func TestUntilEnds(t *testing.T) {
	end := start.Add(50 * time.Second)
	if l := Until(start, start.Add(20*time.Second), end); !l.End().Equal(end) || (l.Renewable && !l.spent) {
		t.Errorf("it ends at %v, want %v", l.End(), end)
	}
	if l := Every(time.Minute, start); !l.End().IsZero() {
		t.Errorf("it ends at %v", l.End())
	}
}
