package fetch

import (
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
	"github.com/hashicorp/consul/api"
)

// fetchList returns the list that the agent replies with to a request of
// Consul's library, and what the reply's headers say. Each element is decoded
// as it arrives, so that a long reply is never held as a whole. Where there is
// nothing (404), the list is empty.
func fetchList[T, L any](
	o *api.QueryOptions,
	request func(*api.QueryOptions) (L, *api.QueryMeta, error),
	decode func(*jsontext.Decoder) (T, error),
) ([]T, *api.QueryMeta, error) {
	list := []T{}
	e := exchange{read: func(body io.Reader) (err error) {
		list, err = decodeList(body, decode)
		return err
	}}
	_, m, err := request(e.in(o))
	return list, m, err
}

// decodeList decodes a JSON array as Consul's library does, which ignores what
// follows it; decode decodes the next element.
//
// It uses what is encoding/json/v2 from Go 1.27 on: encoding/json reads each
// element twice only to find its end.
func decodeList[T any](body io.Reader, decode func(*jsontext.Decoder) (T, error)) ([]T, error) {
	d := jsontext.NewDecoder(body, jsonv1.DefaultOptionsV1())
	start, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	if start.Kind() != jsontext.KindBeginArray {
		return nil, ErrIncomplete
	}
	list := []T{}
	for d.PeekKind() != jsontext.KindEndArray {
		element, err := decode(d)
		if err != nil {
			return nil, err
		}
		list = append(list, element)
	}
	return list, nil
}

// An exchange is what a request and the transport tell each other.
type exchange struct {
	// read reads the body of a successful reply in place of Consul's library,
	// which still builds the request and judges the reply's status and headers.
	// Nil: the library does.
	read   func(body io.Reader) error
	status int // of the reply
}

type exchangeKey struct{}

// in returns o for a request that e belongs to.
func (e *exchange) in(o *api.QueryOptions) *api.QueryOptions {
	return o.WithContext(context.WithValue(o.Context(), exchangeKey{}, e))
}

// A Transport is the transport that the requests of this package need. To the
// library, the bodies that the package reads itself are empty lists.
type Transport struct{ Base http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.Base.RoundTrip(r)
	e, ok := r.Context().Value(exchangeKey{}).(*exchange)
	if err != nil || !ok {
		return resp, err
	}
	e.status = resp.StatusCode
	if e.read != nil && resp.StatusCode == http.StatusOK {
		resp.Body = &divertedBody{ReadCloser: resp.Body, read: e.read}
	}
	return resp, nil
}

// A divertedBody is a body that is read when the library begins to.
type divertedBody struct {
	io.ReadCloser
	read func(io.Reader) error
	rest io.Reader // what the library gets to see; nil: nothing yet
	err  error
}

func (b *divertedBody) Read(p []byte) (int, error) {
	if b.rest == nil {
		b.err = b.read(b.ReadCloser)
		// The library discards what the reader has left, so that the
		// connection can be used again.
		b.rest = io.MultiReader(strings.NewReader("[]"), b.ReadCloser)
	}
	if b.err != nil {
		return 0, b.err
	}
	return b.rest.Read(p)
}
