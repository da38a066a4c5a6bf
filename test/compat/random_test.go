package compat

import (
	"flag"
	"fmt"
	"regexp"
	"testing"
	"time"
)

var (
	seedFlag  = flag.Uint64("compat.seed", 0, "make up the templates of this seed again; 0 for new ones")
	countFlag = flag.Int("compat.count", 1000, "how many templates to make up")
)

// batchSize is how many made-up templates go into one process.
const batchSize = 100

// TestRandomExpressions has both programs render templates that nobody wrote,
// and wants the same bytes, or that both fail.
func TestRandomExpressions(t *testing.T) {
	r := newVaultRig(t)
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("%d templates of seed %d; to have them again: go test ./test/compat -run TestRandomExpressions -compat.seed=%d -compat.count=%d",
		*countFlag, seed, seed, *countFlag)
	for first := 0; first < *countFlag; first += batchSize {
		g := newGenerator(seed + uint64(first))
		trees := make([]*node, min(batchSize, *countFlag-first))
		for i := range trees {
			trees[i] = g.template()
		}
		t.Run(fmt.Sprintf("from-%d", first), func(t *testing.T) {
			t.Parallel()
			r.compareTrees(t, trees)
		})
	}
}

// compareTrees compares a batch. Each difference is told with the smallest
// template that shows it.
func (r *rig) compareTrees(t *testing.T, trees []*node) {
	pairs := r.renderBoth(t, trees)
	failures, told := 0, 0
	for i, p := range pairs {
		if !p.want.ok {
			failures++
		}
		if !p.differs() {
			continue
		}
		if told++; told > 3 {
			t.Errorf("and %d templates more, perhaps:\n%s", len(trees)-i, trees[i])
			return
		}
		r.tell(t, trees[i])
	}
	t.Logf("%d of %d templates fail", failures, len(trees))
}

// tell reports a difference.
func (r *rig) tell(t *testing.T, tree *node) {
	const most = 20 * time.Second
	since := time.Now()
	small := shrink(tree, func(n *node) bool {
		return time.Since(since) < most && r.renderBoth(t, []*node{n})[0].differs()
	})
	p := r.renderBoth(t, []*node{small})[0]
	t.Errorf("%s\nconsul-template: %v\nrestencil:       %v\n\nmade smaller from\n%s", small, p.want, p.got, tree)
}

// A pair is what the two programs made of one template.
type pair struct {
	want, got result
}

// differs tells whether the two are at odds, but for what differs on purpose.
func (p pair) differs() bool {
	if p.want.ok && p.got.ok {
		return pointers.ReplaceAllString(p.want.text, "") != pointers.ReplaceAllString(p.got.text, "")
	}
	if p.want.ok || p.got.ok {
		return !onPurpose(p)
	}
	return p.want.exit != p.got.exit
}

// pointers are what printing shows of one: where it points, which is another
// place in each process, and the package that its type is from.
var pointers = regexp.MustCompile(`0x[0-9a-f]{9,}|\*(dependency|watch)\.`)

// renderBoth renders templates with both programs. Those that consul-template
// cannot render go to restencil one by one, to see how it ends.
func (r *rig) renderBoth(t *testing.T, trees []*node) []pair {
	t.Helper()
	g := r.newLatch()
	sources := make([]source, len(trees))
	for i, tree := range trees {
		sources[i] = g.guard(tree.String())
	}
	pairs := make([]pair, len(trees))
	var good []int
	for i, want := range r.renderBehind(t, g, sources) {
		pairs[i].want = want
		if want.ok {
			good = append(good, i)
			continue
		}
		pairs[i].got = r.ours.renderAll(t, sources[i:i+1])[0]
	}
	for k, got := range r.ours.renderAll(t, pick(sources, good)) {
		pairs[good[k]].got = got
	}
	return pairs
}
