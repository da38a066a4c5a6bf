package vault

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"restencil/watch"
	"restencil/watch/vault/client"
	"restencil/watch/vault/token"
)

// TestChaos: tokens that come and go, outages, refusals, lost answers, queries
// that come and go. Each path keeps to its allowance; and when it is over, all
// is well soon.
func TestChaos(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inWorld(t, Options{MaxRequests: 4}, func(w *world) {
				c := &chaos{world: w, Rand: rand.New(rand.NewPCG(seed, 7)), sinks: make(map[watch.Query]*sinkModel)}
				c.run()
			})
		})
	}
}

type chaos struct {
	*world
	*rand.Rand
	sinks      map[watch.Query]*sinkModel
	generation int
}

func (c *chaos) run() {
	db, kv := c.vault.mount("db/", "db"), c.vault.mount("secret/", "kv2")
	kv.put("app", "one")
	queries := []watch.Query{read("db/creds/app"), read("secret/app"), {Kind: watch.VaultList, Name: "secret"}}
	for range 2000 {
		c.disturb(queries[c.IntN(len(queries))])
		pass(time.Duration(c.Int64N(int64(4 * time.Second))))
	}
	if n, most := c.issues(db), 2000*4/60+4; n > most {
		c.Errorf("%d were issued, where %d may be", n, most)
	}
	c.calm(queries)
	pass(3 * time.Minute)
	if id, _ := c.sinks[queries[0]].field("password").(string); !c.vault.lives(id) {
		c.Errorf("the newest credential is not good: %v", c.sinks[queries[0]].failure())
	}
	for q, s := range c.sinks {
		if len(s.answers()) == 0 || s.failure() != nil {
			c.Errorf("%s: %d answers, %v", q, len(s.answers()), s.failure())
		}
	}
}

// disturb does one of the things that happen.
func (c *chaos) disturb(q watch.Query) {
	switch c.IntN(8) {
	case 0, 1:
		if c.sinks[q] == nil {
			c.sinks[q] = c.watch(q)
		}
	case 2:
		c.source.Unwatch(q.ID())
		delete(c.sinks, q)
	case 3:
		c.newToken(time.Now().Add(time.Duration(c.Int64N(int64(time.Minute)))))
	case 4:
		c.holder.set(token.Epoch{}, token.ErrPending)
	case 5:
		err := []error{errNetwork, errHung, refuse(503, "Vault is sealed"), refuse(500, "internal"), refuse(403, "permission denied")}[c.IntN(5)]
		c.vault.change(func() { c.vault.trouble = func(client.Request) error { return err } })
	default:
		c.vault.change(func() { c.vault.trouble = nil })
	}
}

func (c *chaos) newToken(ends time.Time) {
	c.generation++
	name := client.Token(fmt.Sprint("token-", c.generation))
	c.vault.change(func() { c.vault.tokens[name] = &modelToken{ends: ends} })
	c.holder.set(token.Epoch{Token: name, Number: c.generation + 1, Ends: ends}, nil)
}

// calm ends all trouble, and has everything watched.
func (c *chaos) calm(queries []watch.Query) {
	c.vault.change(func() { c.vault.trouble = nil })
	c.newToken(time.Time{})
	for _, q := range queries {
		if c.sinks[q] == nil {
			c.sinks[q] = c.watch(q)
		}
	}
}
