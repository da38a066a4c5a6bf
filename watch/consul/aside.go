package consul

import (
	"context"
	"io"
	"net/http"
	"slices"

	"github.com/hashicorp/consul/api"
)

// A tray takes the body of a reply aside, as it is. To Consul's library, which
// builds the request and judges the reply's status and headers, the body is an
// empty list. A refusal is left to the library.
type tray struct {
	body []byte
	full bool // body is whole
}

type trayKey struct{}

// under returns options for the request whose reply goes to the tray.
func (t *tray) under(o *api.QueryOptions) *api.QueryOptions {
	return o.WithContext(context.WithValue(o.Context(), trayKey{}, t))
}

// setAside sees to it that resp's body goes to the tray of its request, where
// it has one.
func setAside(ctx context.Context, resp *http.Response) {
	if t, ok := ctx.Value(trayKey{}).(*tray); ok && resp.StatusCode == http.StatusOK {
		resp.Body = &asideBody{ReadCloser: resp.Body, tray: t, left: "[]"}
	}
}

// An asideBody is a body that fills a tray when it is first read.
type asideBody struct {
	io.ReadCloser
	tray *tray
	left string
}

func (b *asideBody) Read(p []byte) (int, error) {
	if !b.tray.full {
		if err := b.tray.fill(b.ReadCloser); err != nil {
			return 0, err
		}
	}
	if b.left == "" {
		return 0, io.EOF
	}
	n := copy(p, b.left)
	b.left = b.left[n:]
	return n, nil
}

// smallestRoom is how much room is made for what remains of a body.
const smallestRoom = 4 << 10

func (t *tray) fill(r io.Reader) error {
	for {
		if len(t.body) == cap(t.body) {
			t.body = slices.Grow(t.body, smallestRoom)
		}
		n, err := r.Read(t.body[len(t.body):cap(t.body)])
		t.body = t.body[:len(t.body)+n]
		if err == io.EOF {
			t.full = true
			return nil
		}
		if err != nil {
			return err
		}
	}
}
