package dependency

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"
)

// A NomadServicesSnippet is one service's name and the tags of all its
// instances.
type NomadServicesSnippet struct {
	Name string
	Tags ServiceTags
}

// A NomadService is one registered instance of a service.
type NomadService struct {
	ID         string
	Name       string
	Node       string // the node's id
	Address    string
	Port       int
	Datacenter string
	Tags       ServiceTags
	JobID      string
	AllocID    string
}

// A nanoTime is a time in nanoseconds since 1970. It prints as a local time,
// and is a number in JSON.
type nanoTime int64

// String returns the local time in Go's form.
func (t nanoTime) String() string { return t.Time().String() }

// Time returns the local time.
func (t nanoTime) Time() time.Time { return time.Unix(0, int64(t)) }

// NomadVarMeta is a variable without its items. It prints as its path.
type NomadVarMeta struct {
	Namespace, Path          string
	CreateIndex, ModifyIndex uint64
	CreateTime, ModifyTime   nanoTime
}

// String returns the path.
func (m NomadVarMeta) String() string { return m.Path }

// A NomadVariable is a variable with its items.
type NomadVariable struct {
	Namespace, Path          string
	CreateIndex, ModifyIndex uint64
	CreateTime, ModifyTime   nanoTime
	Items                    NomadVarItems
}

// NewNomadVariable returns a variable, which is the parent of its items.
func NewNomadVariable(meta NomadVarMeta, items map[string]string) *NomadVariable {
	v := &NomadVariable{
		Namespace:   meta.Namespace,
		Path:        meta.Path,
		CreateIndex: meta.CreateIndex,
		ModifyIndex: meta.ModifyIndex,
		CreateTime:  meta.CreateTime,
		ModifyTime:  meta.ModifyTime,
		Items:       make(NomadVarItems, len(items)),
	}
	for key, value := range items {
		v.Items[key] = NomadVarItem{Key: key, Value: value, parent: v}
	}
	return v
}

// Metadata returns all but the items.
func (v NomadVariable) Metadata() *NomadVarMeta {
	return &NomadVarMeta{
		Namespace:   v.Namespace,
		Path:        v.Path,
		CreateIndex: v.CreateIndex,
		ModifyIndex: v.ModifyIndex,
		CreateTime:  v.CreateTime,
		ModifyTime:  v.ModifyTime,
	}
}

// NomadVarItems are a variable's items by name.
type NomadVarItems map[string]NomadVarItem

// Keys returns the names, sorted.
func (m NomadVarItems) Keys() []string {
	keys := slices.AppendSeq(make([]string, 0, len(m)), maps.Keys(m))
	slices.Sort(keys)
	return keys
}

// Values returns the values in the order of their names.
func (m NomadVarItems) Values() []string {
	values := make([]string, 0, len(m))
	for _, key := range m.Keys() {
		values = append(values, m[key].Value)
	}
	return values
}

// Tuples returns names and values in the order of the names.
func (m NomadVarItems) Tuples() []struct{ K, V string } {
	tuples := make([]struct{ K, V string }, 0, len(m))
	for _, key := range m.Keys() {
		tuples = append(tuples, struct{ K, V string }{key, m[key].Value})
	}
	return tuples
}

// Metadata returns the variable's metadata, nil if it has no items.
func (m NomadVarItems) Metadata() *NomadVarMeta {
	if v := m.Parent(); v != nil {
		return v.Metadata()
	}
	return nil
}

// Parent returns the variable, nil if it has no items.
func (m NomadVarItems) Parent() *NomadVariable {
	for _, item := range m {
		return item.parent
	}
	return nil
}

// ItemsMap returns the values in a new map, nil if there are none.
func (m NomadVarItems) ItemsMap() map[string]any {
	if len(m) == 0 {
		return nil
	}
	plain := make(map[string]any, len(m))
	for key, item := range m {
		plain[key] = item.Value
	}
	return plain
}

// A NomadVarItem is one item of a variable. It prints as its value; an item
// that does not exist is the zero value.
type NomadVarItem struct {
	Key, Value string
	parent     *NomadVariable
}

// String returns the value.
func (i NomadVarItem) String() string { return i.Value }

// Metadata returns the metadata of the item's variable. It fails for an item that
// does not exist.
func (i NomadVarItem) Metadata() (*NomadVarMeta, error) {
	if i.parent == nil {
		return nil, errors.New("the variable has no such item")
	}
	return i.parent.Metadata(), nil
}

// Parent returns the item's variable, nil for an item that does not exist.
func (i NomadVarItem) Parent() *NomadVariable { return i.parent }

// MarshalJSON returns the value as a string: quoted as in Go if that is valid JSON,
// as consul-template does.
func (i NomadVarItem) MarshalJSON() ([]byte, error) {
	if quoted := []byte(strconv.Quote(i.Value)); json.Valid(quoted) {
		return quoted, nil
	}
	return json.Marshal(i.Value)
}
