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

// fetchList makes a request of Consul's library and returns the list in the reply,
// and its headers. It decodes each element as it arrives, so that a long reply is
// never held as a whole. If nothing is found (404), the list is empty.
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

// An exchange connects a request with its reply in the transport.
type exchange struct {
	// read reads the body of a successful reply in place of Consul's library,
	// which still builds the request and checks status and headers. Nil: the
	// library reads the body.
	read   func(body io.Reader) error
	status int // of the reply
}

type exchangeKey struct{}

// in returns o with e in its context.
func (e *exchange) in(o *api.QueryOptions) *api.QueryOptions {
	return o.WithContext(context.WithValue(o.Context(), exchangeKey{}, e))
}

// A Transport lets this package read the bodies of replies. The library gets an
// empty list for each.
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

// A divertedBody is a body that read reads when the library begins to.
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
