package vault

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"restencil/watch"
)

func testAllowance() *allowance {
	return newAllowance(Options{IssueEvery: time.Minute, IssueBurst: 3, Threshold: 0.9})
}

var someDay = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

func TestAllowance(t *testing.T) {
	a, q := testAllowance(), read("x").ID()
	take := func(after time.Duration) error {
		p, err := a.take("x", q, someDay.Add(after))
		if err == nil {
			a.spent(p, 0, someDay.Add(after))
		}
		return err
	}
	for range 3 {
		if err := take(0); err != nil {
			t.Fatal(err)
		}
	}
	var spent *spentError
	if err := take(30 * time.Second); !errors.As(err, &spent) || !spent.until.Equal(someDay.Add(time.Minute)) {
		t.Errorf("after the burst: %v", err)
	}
	if err := take(time.Minute); err != nil {
		t.Errorf("after a minute: %v", err)
	}
	if err := take(time.Minute); err == nil {
		t.Error("twice after a minute")
	}
	if _, err := a.take("y", q, someDay); err != nil {
		t.Errorf("another path: %v", err)
	}
}

// TestAllowanceOfMany: a role may have many certificates, and a key many texts;
// each is a query. One that is ever another is bounded all the same.
func TestAllowanceOfMany(t *testing.T) {
	a, made := testAllowance(), 0
	for i := range 10 * newcomers {
		p, err := a.take("x", read(fmt.Sprint(i)).ID(), someDay.Add(time.Duration(i)*time.Second))
		if err == nil {
			made++
			a.spent(p, time.Hour, someDay)
		}
	}
	if want := newcomers + 10*newcomers/60; made != want {
		t.Errorf("%d were made for ever other queries, want %d", made, want)
	}
	for range 2 {
		if _, err := a.take("x", read("0").ID(), someDay.Add(time.Hour)); err != nil {
			t.Errorf("what was made before is not made again: %v", err)
		}
	}
}

// TestAllowanceOfReads: what makes nothing costs nothing, but it is not known
// before.
func TestAllowanceOfReads(t *testing.T) {
	a := testAllowance()
	var paid []payment
	for i := range newcomers {
		p, err := a.take("x", read(fmt.Sprint(i)).ID(), someDay)
		if err != nil {
			t.Fatal(err)
		}
		paid = append(paid, p)
	}
	_, err := a.take("x", read("another").ID(), someDay)
	var spent *spentError
	if !errors.As(err, &spent) || !spent.soon {
		t.Errorf("one more at the same time: %v", err)
	}
	for _, p := range paid {
		a.giveBack(p)
	}
	if len(a.paths) != 0 {
		t.Errorf("%d paths are remembered for nothing", len(a.paths))
	}
}

// TestClaims: what is short-lived may be replaced once in its life, and by
// nobody else.
func TestClaims(t *testing.T) {
	a, q, other := testAllowance(), read("x").ID(), read("y").ID()
	pay := func(q watch.ID, life time.Duration) {
		p, _ := a.take("x", q, someDay)
		a.spent(p, life, someDay)
	}
	pay(q, 20*time.Second)
	for range 2 {
		pay(q, 0)
	}
	for range 3 {
		pay(other, 0)
	}
	if _, err := a.take("x", q, someDay.Add(5*time.Second)); err == nil {
		t.Error("a claim before a good part of the life is over")
	}
	if _, err := a.take("x", other, someDay.Add(15*time.Second)); err == nil {
		t.Error("a claim of another")
	}
	p, err := a.take("x", q, someDay.Add(15*time.Second))
	if err != nil {
		t.Fatal("the claim does not count")
	}
	if _, err := a.take("x", q, someDay.Add(15*time.Second)); err == nil {
		t.Error("a claim that counts twice")
	}
	a.giveBack(p)
	if _, err := a.take("x", q, someDay.Add(15*time.Second)); err != nil {
		t.Error("a claim that was not used is gone")
	}
}

// TestClaimThatIsDue: a certificate counts its life from before it was issued.
func TestClaimThatIsDue(t *testing.T) {
	a, q := testAllowance(), read("x").ID()
	for range 3 {
		p, _ := a.take("x", q, someDay)
		a.spent(p, 40*time.Second, someDay)
	}
	a.due("x", q, someDay.Add(4*time.Second), someDay)
	if _, err := a.take("x", q, someDay.Add(3*time.Second)); err == nil {
		t.Error("a claim before it is due")
	}
	if _, err := a.take("x", q, someDay.Add(4*time.Second)); err != nil {
		t.Errorf("no claim when it is due: %v", err)
	}
}

// TestAllowanceHolds: whatever is asked for in whatever order, so many and no
// more are made.
func TestAllowanceHolds(t *testing.T) {
	const queries = 50
	for seed := range uint64(5) {
		r := rand.New(rand.NewPCG(seed, 1))
		a, now, made := testAllowance(), someDay, make(map[int]int)
		for now.Before(someDay.Add(2 * time.Hour)) {
			now = now.Add(time.Duration(r.Int64N(int64(200 * time.Millisecond))))
			i := r.IntN(queries)
			p, err := a.take("x", read(fmt.Sprint(i)).ID(), now)
			switch {
			case err != nil:
			case r.IntN(2) == 0:
				a.giveBack(p)
			default:
				made[i]++
				a.spent(p, []time.Duration{0, time.Hour, 3 * time.Minute}[r.IntN(3)], now)
			}
		}
		for i, n := range made {
			if n > 120+3 {
				t.Errorf("seed %d: %d were made for query %d in two hours", seed, n, i)
			}
		}
	}
}

func TestAllowanceIsBounded(t *testing.T) {
	a := testAllowance()
	for i := range maxAccounts + 10 {
		p, err := a.take(fmt.Sprint(i), read("x").ID(), someDay)
		if (err != nil) != (i >= maxAccounts) {
			t.Fatalf("path %d: %v", i, err)
		}
		if err == nil {
			a.spent(p, 0, someDay)
		}
	}
	if _, err := a.take("later", read("x").ID(), someDay.Add(time.Hour)); err != nil || len(a.paths) > 1 {
		t.Errorf("%v; %d paths are remembered", err, len(a.paths))
	}
}
