package local

import (
	"cmp"
	"slices"
	"strings"

	"restencil/watch"
)

// A Model is what a data file says. It is immutable, and answers queries from
// any number of goroutines.
type Model struct {
	index uint64 // grows by one with each new version of the file
	own   string // the agent's own datacenter
	sites map[string]*site
}

// A site is the data of one datacenter.
type site struct {
	pairs     []*watch.KeyPair // by path
	nodes     *members
	instances []*instance // in the order of the file

	// The instances by service, and by the service that Connect reaches
	// through them. Names are in small letters.
	byService, byMesh map[string][]*instance
}

func newSite(pairs []*watch.KeyPair, nodes *members, instances []*instance) *site {
	s := &site{
		pairs:     pairs,
		nodes:     nodes,
		instances: instances,
		byService: make(map[string][]*instance),
		byMesh:    make(map[string][]*instance),
	}
	for _, inst := range instances {
		name := strings.ToLower(inst.health.Name)
		s.byService[name] = append(s.byService[name], inst)
		for _, name := range inst.mesh {
			name = strings.ToLower(name)
			s.byMesh[name] = append(s.byMesh[name], inst)
		}
	}
	return s
}

// pair returns the pair at path, nil where there is none.
func (s *site) pair(path string) *watch.KeyPair {
	if i, ok := s.search(path); ok {
		return s.pairs[i]
	}
	return nil
}

func (s *site) search(path string) (int, bool) {
	return slices.BinarySearchFunc(s.pairs, path, func(p *watch.KeyPair, path string) int {
		return cmp.Compare(p.Path, path)
	})
}

// under returns the pairs whose path begins with prefix.
func (s *site) under(prefix string) []*watch.KeyPair {
	from, _ := s.search(prefix)
	to := from
	for to < len(s.pairs) && strings.HasPrefix(s.pairs[to].Path, prefix) {
		to++
	}
	return s.pairs[from:to]
}

// follow gives m, which no one has seen yet, the next index after that of
// old. Pairs that old has with the same value are taken over with their
// indexes; others are changed now.
func (m *Model) follow(old *Model) {
	m.index = old.index + 1
	for name, s := range m.sites {
		for i, p := range s.pairs {
			before := old.pair(name, p.Path)
			switch {
			case before == nil:
				p.CreateIndex, p.ModifyIndex = m.index, m.index
			case before.Value == p.Value:
				s.pairs[i] = before
			default:
				p.CreateIndex, p.ModifyIndex = before.CreateIndex, m.index
			}
		}
	}
}

func (m *Model) pair(datacenter, path string) *watch.KeyPair {
	if s := m.sites[datacenter]; s != nil {
		return s.pair(path)
	}
	return nil
}
