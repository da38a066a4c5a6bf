package consul

import (
	"bytes"
	"encoding/base64"

	"restencil/watch"
)

// readPair returns the pair that b begins with, for a query of this name, and
// the length that it has in b. It knows the form that Consul gives to pairs;
// the length is 0 where something is otherwise. It exists because pairs come
// by the ten thousand.
func readPair(name string, b []byte) (*watch.KeyPair, int) {
	p := &watch.KeyPair{}
	if !bytes.HasPrefix(b, []byte("{")) {
		return nil, 0
	}
	for i := 1; ; {
		n := readField(p, b[i:])
		if n == 0 {
			return nil, 0
		}
		i += n
		if b[i-1] == '}' {
			p.Key = watch.RelativeKey(name, p.Path)
			return p, i
		}
	}
}

// readField sets the field of p whose name and value b begins with. It returns
// their length up to and including the comma or brace that follows, else 0.
func readField(p *watch.KeyPair, b []byte) int {
	i := skip(b, 0)
	name, n := plainText(b[i:])
	i = skip(b, i+n)
	if n == 0 || i == len(b) || b[i] != ':' {
		return 0
	}
	i = skip(b, i+1)
	n = setField(p, string(name), b[i:])
	i = skip(b, i+n)
	if n == 0 || i == len(b) || b[i] != ',' && b[i] != '}' {
		return 0
	}
	return i + 1
}

// setField sets the field of this name to the value that b begins with, and
// returns the value's length.
func setField(p *watch.KeyPair, name string, b []byte) int {
	switch name {
	case "Key":
		return setText(&p.Path, b)
	case "Value":
		return setValue(&p.Value, b)
	case "Session":
		return setText(&p.Session, b)
	case "CreateIndex":
		return setNumber(&p.CreateIndex, b)
	case "ModifyIndex":
		return setNumber(&p.ModifyIndex, b)
	case "LockIndex":
		return setNumber(&p.LockIndex, b)
	case "Flags":
		return setNumber(&p.Flags, b)
	case "Namespace", "Partition":
		_, n := plainText(b)
		return n
	default:
		return 0
	}
}

func setText(to *string, b []byte) int {
	s, n := plainText(b)
	*to = string(s)
	return n
}

func setNumber(to *uint64, b []byte) int {
	v, n := plainNumber(b)
	*to = v
	return n
}

// setValue takes what stands in base64, or null.
func setValue(to *string, b []byte) int {
	if null := []byte("null"); bytes.HasPrefix(b, null) {
		*to = ""
		return len(null)
	}
	s, n := plainText(b)
	var scratch [256]byte
	value, err := base64.StdEncoding.AppendDecode(scratch[:0], s)
	if err != nil {
		return 0
	}
	*to = string(value)
	return n
}
