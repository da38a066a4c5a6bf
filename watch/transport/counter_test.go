package transport

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"restencil/watch"
)

func TestCounter(t *testing.T) {
	answer := make(chan int)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(<-answer) }))
	defer s.Close()
	c := Count(Defaults().New())
	get := func(code int) {
		t.Helper()
		done := make(chan error)
		go func() {
			resp, err := (&http.Client{Transport: c}).Get(s.URL)
			if err == nil {
				err = resp.Body.Close()
			}
			done <- err
		}()
		answer <- code // so that the request is under way
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	get(200)
	get(404)
	get(500)
	if got, want := c.Counts(), (watch.Counts{Requests: 3, Errors: 1, Connections: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	c.SetMaxConnsPerHost(7)
	get(404)
	if got, want := c.Counts(), (watch.Counts{Requests: 4, Errors: 1, Connections: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	c.CloseIdleConnections()
	s.Close()
	if _, err := (&http.Client{Transport: c}).Get(s.URL); err == nil {
		t.Error("a server answers that has been closed")
	}
	if got, want := c.Counts(), (watch.Counts{Requests: 5, Errors: 2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
