package consul

import (
	"bytes"
	"encoding/json"

	"github.com/hashicorp/consul/api"
)

// A lister says how a list that the agent sends, of the library's type A,
// becomes one of what templates see, of type T.
type lister[A, T any] struct {
	// convert returns what an element means; nil is one that was null.
	convert func(*A) (*T, error)

	// quick, where there is one, returns the value of the element that bytes
	// begin with, and its length: as convert would, or a length of 0.
	quick func([]byte) (*T, int)

	// arrange, where there is one, returns what the query asked for, of a
	// list that it may change.
	arrange func([]*T) []*T
}

// fetch returns the reply to a request that ask makes with the options that it
// is given. What p knows is not decoded again: elements that have not changed
// are the same values, and where none has, the list is the same too.
func (l lister[A, T]) fetch(p *past[T], o *api.QueryOptions, ask func(*api.QueryOptions) ([]*A, *api.QueryMeta, error)) (reply, error) {
	t := &tray{body: p.room()}
	entries, m, err := ask(t.under(o))
	if err != nil {
		return reply{}, err
	}
	// The agent has waited for something newer than the last reply in vain,
	// or so it says: what it sends is what is known.
	if p.index != 0 && p.index == o.WaitIndex && p.index == m.LastIndex {
		return newReply(p.list, m), nil
	}
	var list []*T
	if t.full {
		list, err = l.read(p, t.body, m.LastIndex)
	} else {
		p.index = 0
		list, err = l.all(entries)
	}
	if err != nil {
		return reply{}, err
	}
	return newReply(list, m), nil
}

// read returns the list that body holds, which came with that index. It
// remembers it in p, which owns body from then on.
func (l lister[A, T]) read(p *past[T], body []byte, index uint64) ([]*T, error) {
	p.index = 0
	elements, ok := l.elements(p, body)
	if !ok {
		return l.slowly(body)
	}
	p.index = index
	if p.turn(body, elements) {
		return p.list, nil
	}
	p.list = make([]*T, 0, len(elements))
	for _, e := range p.last.elements {
		p.list = append(p.list, e.value)
	}
	if l.arrange != nil {
		p.list = l.arrange(p.list)
	}
	return p.list, nil
}

// elements returns the elements of the list that body holds; ok is false where
// it does not hold one, or one that is unusual. As in the library, what
// follows the list does not count.
func (l lister[A, T]) elements(p *past[T], body []byte) (list []element[T], ok bool) {
	list = p.spare.elements[:0]
	f := finder[T]{page: p.last}
	i, comma := skip(body, 0), byte('[')
	for i < len(body) && body[i] == comma {
		i = skip(body, i+1)
		if comma == '[' && bytes.HasPrefix(body[i:], []byte("]")) {
			return list, true
		}
		e, n := l.element(&f, body[i:])
		if n == 0 {
			return nil, false
		}
		list = append(list, element[T]{from: i, to: i + n, value: e})
		i, comma = skip(body, i+n), ','
	}
	return list, comma == ',' && i < len(body) && body[i] == ']'
}

// element returns the value of the element that b begins with, and its length;
// 0 where the element is unusual.
func (l lister[A, T]) element(f *finder[T], b []byte) (*T, int) {
	if e, ok := f.find(b); ok {
		return e.value, e.to - e.from
	}
	if l.quick != nil {
		if v, n := l.quick(b); n > 0 {
			return v, n
		}
	}
	n, a := extent(b), new(A)
	if json.Unmarshal(b[:n], a) != nil {
		return nil, 0
	}
	v, err := l.convert(a)
	if err != nil {
		return nil, 0
	}
	return v, n
}

// slowly does what the library would have done with the body, but for one that
// holds no list.
func (l lister[A, T]) slowly(body []byte) ([]*T, error) {
	var entries []*A
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&entries); err != nil {
		return nil, err
	}
	if entries == nil { // null
		return nil, errIncomplete
	}
	return l.all(entries)
}

func (l lister[A, T]) all(entries []*A) ([]*T, error) {
	list := make([]*T, 0, len(entries))
	for _, a := range entries {
		v, err := l.convert(a)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	if l.arrange != nil {
		list = l.arrange(list)
	}
	return list, nil
}
