package fetch

import (
	"context"
	"encoding/json"
	"io"
	"net/url"
	"reflect"

	"restencil/watch/blocking"
)

// decodeList asks for a list, which is the data of the reply, too. It decodes each
// element as it arrives, so that a long reply is never held as a whole; decode decodes
// the next one.
func decodeList[T any](
	ctx context.Context, c Requests, path string, params url.Values, q blocking.Request,
	decode func(*json.Decoder) (T, error),
) (blocking.Reply, []T, error) {
	list := []T{}
	r, err := c.Get(ctx, path, params, q, func(body io.Reader) (err error) {
		defer func() {
			if err == io.EOF { // of the decoder, between elements
				err = io.ErrUnexpectedEOF
			}
		}()
		d := json.NewDecoder(body)
		start, err := d.Token()
		if err != nil {
			return err
		}
		if start != json.Delim('[') {
			return blocking.ErrIncomplete
		}
		for d.More() {
			element, err := decode(d)
			if err != nil {
				return err
			}
			list = append(list, element)
		}
		_, err = d.Token()
		return err
	})
	r.Data = list
	return r, list, err
}

// getList asks for a list, which has neither null nor {} among its elements.
func getList[T any](ctx context.Context, c Requests, path string, q blocking.Request) (blocking.Reply, []T, error) {
	return decodeList(ctx, c, path, nil, q, func(d *json.Decoder) (element T, err error) {
		if err = d.Decode(&element); err == nil && reflect.ValueOf(&element).Elem().IsZero() {
			err = blocking.ErrIncomplete
		}
		return element, err
	})
}
