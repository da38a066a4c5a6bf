package fetch

import (
	"context"
	"io"
	"net/url"

	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"restencil/watch/blocking"
)

// decodeList asks for a list, which is the data of the reply, too. It decodes each
// element as it arrives, so that a long reply is never held as a whole; decode decodes
// the next one.
//
// It uses what is encoding/json/v2 from Go 1.27 on: encoding/json reads each
// element twice only to find its end.
func decodeList[T any](
	ctx context.Context, c Requests, path string, params url.Values, q blocking.Request,
	decode func(*jsontext.Decoder) (T, error),
) (blocking.Reply, []T, error) {
	list := []T{}
	r, err := c.Get(ctx, path, params, q, func(body io.Reader) error {
		d := jsontext.NewDecoder(body, jsonv1.DefaultOptionsV1())
		start, err := d.ReadToken()
		if err != nil {
			return err
		}
		if start.Kind() != jsontext.KindBeginArray {
			return blocking.ErrIncomplete
		}
		for d.PeekKind() != jsontext.KindEndArray {
			element, err := decode(d)
			if err != nil {
				return err
			}
			list = append(list, element)
		}
		return nil
	})
	r.Data = list
	return r, list, err
}
