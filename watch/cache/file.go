package cache

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"restencil/watch"
)

// schema is the version of what is in the file. It goes up with every change of
// the header, of a record or of the type of an answer.
const schema = 2

// A header is the first line of the file. The others are records.
type header struct {
	Schema int
	Of     string
}

// Why a file is not used.
var (
	// ErrOtherVersion is that of a file with another schema.
	ErrOtherVersion = errors.New("it is of another version of restencil")

	errNotOurs = errors.New("it is no cache of restencil's")
	errDamaged = errors.New("it is damaged")
	errOther   = errors.New("it is about another store")
)

func parse(b []byte, of string) ([]entry, error) {
	if bytes.HasPrefix(b, []byte("restencil cache 1\n")) { // schema 1 was not JSON
		return nil, ErrOtherVersion
	}
	lines := jsonv1.NewDecoder(bytes.NewReader(b))
	var h header
	switch err := lines.Decode(&h); {
	case err != nil || h.Schema == 0:
		return nil, errNotOurs
	case h.Schema != schema:
		return nil, ErrOtherVersion
	case h.Of != of:
		return nil, errOther
	}
	var list []entry
	for {
		var r record
		err := lines.Decode(&r)
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, errDamaged
		}
		e, err := r.entry()
		if err != nil {
			return nil, errDamaged
		}
		list = append(list, e)
	}
}

// format returns the bytes of a file with those entries, the first ones first,
// that there is room for, and the others.
func format(list []entry, of string, most int) (b []byte, left []entry) {
	var file bytes.Buffer
	lines := jsonv1.NewEncoder(&file)
	_ = lines.Encode(header{schema, of}) // into memory, of plain values
	for _, e := range list {
		end := file.Len()
		r, err := e.record()
		if err == nil {
			err = lines.Encode(r)
		}
		if err != nil || file.Len() > most {
			file.Truncate(end)
			left = append(left, e)
		}
	}
	return file.Bytes(), left
}

// An entry is the last answer to a query.
type entry struct {
	query  watch.Query
	used   time.Time // when somebody watched the query last
	answer watch.Answer
}

// A record is an entry as it stands in the file.
type record struct {
	Query watch.Query
	Used  time.Time
	Time  time.Time
	Index uint64
	Data  jsonv1.RawMessage `json:",omitempty"` // absent: the thing does not exist
}

func (e entry) record() (record, error) {
	r := record{Query: e.query, Used: e.used, Time: e.answer.Time, Index: e.answer.Index}
	if e.answer.Data == nil {
		return r, nil
	}
	var err error
	r.Data, err = json.Marshal(e.answer.Data, asInFile)
	return r, err
}

func (r record) entry() (entry, error) {
	e := entry{query: r.Query, used: r.Used, answer: watch.Answer{Time: r.Time, Index: r.Index}}
	decode := decoder(r.Query.Kind)
	if decode == nil {
		return entry{}, fmt.Errorf("answers to %s are not kept", r.Query.Kind)
	}
	if r.Data == nil {
		return e, nil
	}
	var err error
	e.answer.Data, err = decode(r.Data)
	return e, err
}

// decoder returns what decodes the answers to a kind of query, nil for a kind
// that is not kept.
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
	err := json.Unmarshal(b, &v, asInFile)
	return v, err
}

// A keyPair is a watch.KeyPair whose value need not be UTF-8.
type keyPair struct {
	watch.KeyPair
	Value []byte
}

// asInFile are the options of answers' JSON.
var asInFile = json.JoinOptions(
	jsonv1.DefaultOptionsV1(),
	json.WithMarshalers(json.MarshalToFunc(func(to *jsontext.Encoder, p *watch.KeyPair) error {
		return json.MarshalEncode(to, keyPair{*p, []byte(p.Value)})
	})),
	json.WithUnmarshalers(json.UnmarshalFromFunc(func(from *jsontext.Decoder, p *watch.KeyPair) error {
		var read keyPair
		err := json.UnmarshalDecode(from, &read)
		*p = read.KeyPair
		p.Value = string(read.Value)
		return err
	})),
)
