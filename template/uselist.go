package template

import "restencil/watch"

// A useList is a list of queries. Mostly it comes out as it did the last time,
// and then it is the same list once more, which others may hold.
type useList struct {
	list []watch.Query
	n    int  // how many of list are there now
	own  bool // list is not the last one
}

func (u *useList) begin() { u.list, u.n, u.own = u.queries(), 0, false }

func (u *useList) add(q watch.Query) {
	if !u.own && (u.n == len(u.list) || u.list[u.n] != q) {
		u.list = append(make([]watch.Query, 0, len(u.list)+1), u.list[:u.n]...)
		u.own = true
	}
	if u.own {
		u.list = append(u.list, q)
	}
	u.n++
}

func (u *useList) queries() []watch.Query { return u.list[:u.n:u.n] }
