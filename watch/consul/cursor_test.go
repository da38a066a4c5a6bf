package consul

import (
	"testing"
	"time"
)

func TestCursor(t *testing.T) {
	const maxStale = 2 * time.Second
	for _, test := range []struct {
		name     string
		at       cursor
		reply    reply
		maxStale time.Duration
		finding  finding
		next     cursor
	}{
		{"first answer", cursor{}, reply{index: 7}, maxStale, changed, cursor{index: 7}},
		{"news", cursor{index: 7}, reply{index: 9}, maxStale, changed, cursor{index: 9}},
		{"time out", cursor{index: 7}, reply{index: 7}, maxStale, unchanged, cursor{index: 7}},

		{"no index at all", cursor{}, reply{}, maxStale, changed, cursor{}},
		{"index lost, from the leader", cursor{index: 7}, reply{}, 0, changed, cursor{}},
		{"index lost, from anyone", cursor{index: 7}, reply{}, maxStale, doubtful, cursor{leader: true}},
		{"backwards, from the leader", cursor{index: 7}, reply{index: 5}, 0, changed, cursor{}},
		{"backwards, from anyone", cursor{index: 7}, reply{index: 5}, maxStale, doubtful, cursor{leader: true}},
		{"confirmed by the leader", cursor{leader: true}, reply{index: 5}, maxStale, changed, cursor{index: 5}},

		{"too old", cursor{index: 7}, reply{index: 9, contact: maxStale + 1}, maxStale, doubtful, cursor{index: 7, leader: true}},
		{"too old at first", cursor{}, reply{index: 9, contact: maxStale + 1}, maxStale, doubtful, cursor{leader: true}},
		{"just not too old", cursor{index: 7}, reply{index: 9, contact: maxStale}, maxStale, changed, cursor{index: 9}},
		{"asked of the leader already", cursor{index: 7, leader: true}, reply{index: 9, contact: time.Hour}, maxStale, changed, cursor{index: 9}},
		{"leader only", cursor{index: 7}, reply{index: 9, contact: time.Hour}, 0, changed, cursor{index: 9}},
		{"anyone may answer again", cursor{index: 7, leader: true}, reply{index: 7}, maxStale, unchanged, cursor{index: 7}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, next := test.at.take(test.reply, test.maxStale)
			if f != test.finding || next != test.next {
				t.Errorf("%+v.take(%+v) = %d, %+v; want %d, %+v", test.at, test.reply, f, next, test.finding, test.next)
			}
		})
	}
}
