package cache

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"time"

	"restencil/watch"
)

// schema is the version of the file's format. Every change of the header, of an
// entry or of the type of an answer increments it.
const schema = 3

// A header is the first line of the file. The others are entries.
type header struct {
	Schema int
	Of     string
}

// ErrOtherVersion is the error of a file with another schema.
var ErrOtherVersion = errors.New("it was written by another version of restencil")

var errDamaged = errors.New("it is damaged, or not a cache of restencil")

// parse returns the entries in the file b about the store of.
func parse(b []byte, of string) ([]entry, error) {
	lines := json.NewDecoder(bytes.NewReader(b))
	var h header
	switch err := lines.Decode(&h); {
	case err != nil || h.Schema == 0:
		return nil, errDamaged
	case h.Schema != schema:
		return nil, ErrOtherVersion
	case h.Of != of:
		return nil, errors.New("it is about another store")
	}
	var list []entry
	for {
		var r struct {
			entry
			Data json.RawMessage
		}
		err := lines.Decode(&r)
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		decode := decoder(r.Query.Kind)
		if err != nil || decode == nil {
			return nil, errDamaged
		}
		if r.Data != nil {
			data, err := decode(r.Data)
			if err != nil {
				return nil, errDamaged
			}
			r.entry.Data = convert(data, fromBase64)
		}
		list = append(list, r.entry)
	}
}

// format returns a file of at most most bytes with entries of list, in order, and
// the entries that do not fit.
func format(list []entry, of string, most int) (b []byte, left []entry) {
	var file bytes.Buffer
	lines := json.NewEncoder(&file)
	_ = lines.Encode(header{schema, of}) // into memory, of plain values
	for _, e := range list {
		end := file.Len()
		written := e
		written.Data = convert(e.Data, toBase64)
		if err := lines.Encode(written); err != nil || file.Len() > most {
			file.Truncate(end)
			left = append(left, e)
		}
	}
	return file.Bytes(), left
}

// An entry is the last answer to a query, as in the file but for the base64.
type entry struct {
	Query watch.Query
	Used  time.Time // when the query was watched last
	Time  time.Time // when the answer was received
	Index uint64
	Data  any `json:",omitempty"` // absent: the thing does not exist
}

// decoder returns what decodes the answers to a kind of query, nil for a kind that is not
// kept.
func decoder(kind watch.Kind) func([]byte) (any, error) {
	switch kind {
	case watch.KVGet:
		return decode[*watch.KeyPair]
	case watch.KVList:
		return decode[[]*watch.KeyPair]
	case watch.ServiceHealth, watch.ConnectHealth:
		return decode[[]*watch.HealthService]
	case watch.ServiceList:
		return decode[[]*watch.CatalogSnippet]
	case watch.NodeServices:
		return decode[*watch.CatalogNode]
	case watch.NodeList:
		return decode[[]*watch.Node]
	case watch.DatacenterList:
		return decode[[]string]
	case watch.CARootList:
		return decode[[]*watch.CARoot]
	case watch.PeeringList:
		return decode[[]*watch.Peering]
	case watch.PartitionList:
		return decode[[]*watch.Partition]
	case watch.ExportedServiceList:
		return decode[[]watch.ExportedService]
	case watch.ImportedServiceList:
		return decode[[]watch.ImportedService]
	}
	return nil
}

func decode[T any](b []byte) (any, error) {
	var v T
	err := json.Unmarshal(b, &v)
	return v, err
}

// convert returns data with the values of pairs as value returns them. In the file they
// are in base64, for they need not be UTF-8.
func convert(data any, value func(string) string) any {
	switch data := data.(type) {
	case *watch.KeyPair:
		if data == nil {
			return data
		}
		pair := *data
		pair.Value = value(pair.Value)
		return &pair
	case []*watch.KeyPair:
		list := slices.Clone(data)
		for i, p := range list {
			list[i] = convert(p, value).(*watch.KeyPair)
		}
		return list
	}
	return data
}

func toBase64(value string) string { return base64.StdEncoding.EncodeToString([]byte(value)) }

func fromBase64(text string) string {
	value, _ := base64.StdEncoding.DecodeString(text)
	return string(value)
}
