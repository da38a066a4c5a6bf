package requester

import (
	"testing"
	"time"

	"restencil/watch/blocking"
)

func TestCursor(t *testing.T) {
	const maxStale = 2 * time.Second
	at := func(index uint64) cursor { return cursor{index: index, seen: index} }
	for _, test := range []struct {
		name     string
		at       cursor
		reply    reply
		maxStale time.Duration
		believed bool
		next     cursor
	}{
		{"first answer", cursor{}, reply{Reply: blocking.Reply{Index: 7}, size: 2}, maxStale, true, cursor{index: 7, seen: 7, size: 2}},
		{"first answer, nothing there", cursor{}, reply{Reply: blocking.Reply{Index: 7}}, maxStale, true, at(7)},
		{"news", at(7), reply{Reply: blocking.Reply{Index: 9}}, maxStale, true, at(9)},
		{"shrunk", cursor{index: 7, seen: 7, size: 2}, reply{Reply: blocking.Reply{Index: 9}, size: 1}, maxStale, true, cursor{index: 9, seen: 9, size: 1}},
		{"time out", at(7), reply{Reply: blocking.Reply{Index: 7}}, maxStale, true, at(7)},

		{"no index at all", cursor{}, reply{size: 1}, maxStale, true, cursor{size: 1}},
		{"no index, nothing there", cursor{}, reply{}, maxStale, false, cursor{confirm: true}},
		{"no index, nothing there, as always", cursor{}, reply{unindexed: true}, maxStale, true, cursor{}},
		{"no index, nothing there, confirmed", cursor{confirm: true}, reply{}, maxStale, true, cursor{}},
		{"index lost, from the leader", at(7), reply{size: 1}, 0, false, cursor{confirm: true, seen: 7}},
		{"index lost, from anyone", at(7), reply{size: 1}, maxStale, false, cursor{confirm: true, seen: 7}},

		{"backwards, from the leader", at(7), reply{Reply: blocking.Reply{Index: 5}}, 0, false, cursor{confirm: true, seen: 7}},
		{"backwards, from anyone", at(7), reply{Reply: blocking.Reply{Index: 5}}, maxStale, false, cursor{confirm: true, seen: 7}},
		{"backwards, after a failure", at(7).reset(), reply{Reply: blocking.Reply{Index: 5}}, maxStale, false, cursor{confirm: true, seen: 7}},
		{"as before, after a failure", at(7).reset(), reply{Reply: blocking.Reply{Index: 7}}, maxStale, true, at(7)},
		{"confirmed", cursor{confirm: true, seen: 7}, reply{Reply: blocking.Reply{Index: 5}}, maxStale, true, at(5)},
		{"still in doubt after a failure", cursor{confirm: true, seen: 7}.reset(), reply{Reply: blocking.Reply{Index: 5}}, maxStale, true, at(5)},

		{"no leader", cursor{index: 7, seen: 7, size: 2}, reply{Reply: blocking.Reply{Index: 9, Leader: blocking.NoLeader}}, maxStale, false, cursor{confirm: true, seen: 7, size: 2}},
		{"no leader at first", cursor{}, reply{Reply: blocking.Reply{Index: 9, Leader: blocking.NoLeader}, size: 3}, 0, false, cursor{confirm: true}},
		{"no leader, nothing new", at(7), reply{Reply: blocking.Reply{Index: 7, Leader: blocking.NoLeader}}, maxStale, false, cursor{confirm: true, seen: 7}},
		{"no leader, and too old", at(7), reply{Reply: blocking.Reply{Index: 7, Contact: time.Hour, Leader: blocking.NoLeader}}, maxStale, false, cursor{confirm: true, seen: 7}},
		{"streamed", cursor{index: 7, seen: 7, size: 2}, reply{Reply: blocking.Reply{Index: 9, Leader: blocking.FromStream}, size: 2}, maxStale, true, cursor{index: 9, seen: 9, size: 2}},
		{"streamed, shrunk", cursor{index: 7, seen: 7, size: 2}, reply{Reply: blocking.Reply{Index: 9, Leader: blocking.FromStream}, size: 1}, maxStale, false, cursor{confirm: true, seen: 7, size: 2}},

		{"too old", at(7), reply{Reply: blocking.Reply{Index: 9, Contact: maxStale + 1}}, maxStale, false, cursor{index: 7, seen: 7, leader: true}},
		{"too old at first", cursor{}, reply{Reply: blocking.Reply{Index: 9, Contact: maxStale + 1}}, maxStale, false, cursor{leader: true}},
		{"just not too old", at(7), reply{Reply: blocking.Reply{Index: 9, Contact: maxStale}}, maxStale, true, at(9)},
		{"asked of the leader already", cursor{index: 7, seen: 7, leader: true}, reply{Reply: blocking.Reply{Index: 9, Contact: time.Hour}}, maxStale, true, at(9)},
		{"leader only", at(7), reply{Reply: blocking.Reply{Index: 9, Contact: time.Hour}}, 0, true, at(9)},
		{"anyone may answer again", cursor{index: 7, seen: 7, leader: true}, reply{Reply: blocking.Reply{Index: 7}}, maxStale, true, at(7)},
	} {
		t.Run(test.name, func(t *testing.T) {
			next, believed := test.at.take(test.reply, test.maxStale)
			if believed != test.believed || next != test.next {
				t.Errorf("%+v.take(%+v) = %+v, %t; want %+v, %t", test.at, test.reply, next, believed, test.next, test.believed)
			}
		})
	}
}
