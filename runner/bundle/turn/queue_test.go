package turn

import "testing"

// Who comes first in the order has its turn first, but nobody loses it.
func TestQueue(t *testing.T) {
	type place struct{ pass, order int }
	var q Queue
	places := make(map[place]*Ticket)
	reserve := func(pass, order int) { places[place{pass, order}] = q.Reserve(pass, order) }
	next := func(pass, order int) {
		t.Helper()
		for at, ticket := range places {
			select {
			case <-ticket.Turn():
				if at != (place{pass, order}) {
					t.Errorf("it is the turn of %v, not of pass %d, order %d", at, pass, order)
				}
				ticket.Release()
				ticket.Release() // once more is nothing
				delete(places, at)
				return
			default:
			}
		}
		t.Errorf("it is nobody's turn, not that of pass %d, order %d", pass, order)
	}
	reserve(2, 3)
	reserve(2, 1)
	reserve(3, 0)
	reserve(1, 9)
	places[place{2, 4}] = q.Reserve(2, 4)
	places[place{2, 4}].Release() // it has not had its turn
	delete(places, place{2, 4})
	next(2, 3)
	next(1, 9)
	next(2, 1)
	reserve(2, 2)
	next(3, 0)
	next(2, 2)
	var none *Ticket
	none.Release()
	if none.Turn() != nil {
		t.Error("it is the turn of none")
	}
}
