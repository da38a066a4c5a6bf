package client

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"restencil/watch/transport"
)

// A roundTripper answers with these statuses, the last of them for ever.
type roundTripper struct {
	statuses []int
	asked    int
}

func (r *roundTripper) RoundTrip(*http.Request) (*http.Response, error) {
	status := r.statuses[min(r.asked, len(r.statuses)-1)]
	r.asked++
	return &http.Response{StatusCode: status, Body: http.NoBody, Header: http.Header{}}, nil
}

// TestResend: where attempts are counted, one is as many requests as one of
// consul-template's.
func TestResend(t *testing.T) {
	for name, c := range map[string]struct {
		statuses []int
		resend   bool
		once     bool
		env      string
		asked    int
		fails    bool
	}{
		"one 500":                        {[]int{500, 204}, true, false, "", 2, false},
		"two":                            {[]int{500, 503, 204}, true, false, "", 3, false},
		"for ever":                       {[]int{500}, true, false, "", 3, true},
		"VAULT_MAX_RETRIES":              {[]int{500}, true, false, "5", 6, true},
		"none":                           {[]int{500}, true, false, "0", 1, true},
		"not counted":                    {[]int{500, 204}, false, false, "", 1, true},
		"refused":                        {[]int{403}, true, false, "", 1, true},
		"not implemented":                {[]int{501}, true, false, "", 1, true},
		"too many":                       {[]int{429, 204}, true, false, "", 2, false},
		"may have made something":        {[]int{502, 204}, true, true, "", 1, true},
		"has certainly not made a thing": {[]int{500, 204}, true, true, "", 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			clearEnv(t)
			if c.env != "" {
				t.Setenv("VAULT_MAX_RETRIES", c.env)
			}
			client, err := New(Options{Server: transport.Server{Address: "http://vault", Transport: transport.Defaults()}, Resend: c.resend})
			if err != nil {
				t.Fatal(err)
			}
			server := &roundTripper{statuses: c.statuses}
			client.http.Transport = server
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				start := time.Now()
				r := get("x")
				r.Once = c.once
				if _, err := client.Call(ctx, r); (err != nil) != c.fails || server.asked != c.asked {
					t.Errorf("%d requests, %v", server.asked, err)
				}
				if took, least := time.Since(start), time.Duration(c.asked-1)*time.Second; took < least || took > least*3/2 {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}
