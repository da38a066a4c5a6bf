package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"time"

	"restencil/renderer/atomicfile"
	"restencil/watch"
)

// An issuer is the subject of a VaultPKI query.
type issuer struct {
	path      string
	values    url.Values
	keepers   []string // the files that keep what was issued
	threshold float64
	looked    bool // into these files
}

func newIssuer(q watch.Query, o Options) (*issuer, error) {
	values, keepers, err := watch.SplitPKIParams(q.Params)
	if err != nil {
		return nil, err
	}
	return &issuer{path: q.Name, values: values, keepers: keepers, threshold: o.Threshold}, nil
}

func (*issuer) at() string { return "" }

// alone implements subject: the first look is at the files.
func (i *issuer) alone() bool { return !i.looked }

// errNothingKept says that the files keep nothing that could be used.
var errNothingKept = errors.New("nothing is kept that could be used")

// ask implements subject.
func (i *issuer) ask(ctx context.Context, v visit) (outcome, error) {
	if !i.looked {
		i.looked = true
		return i.kept(time.Now())
	}
	return i.issue(ctx, v)
}

// kept returns the certificate that the files keep, if it can be used.
func (i *issuer) kept(now time.Time) (outcome, error) {
	var p pile
	for _, file := range i.keepers {
		text, err := readKeeper(file)
		if err != nil || p.add(text) != nil {
			return outcome{}, errNothingKept
		}
	}
	got, err := p.pick()
	if err != nil || got.value.Key == "" && !i.values.Has("csr") || !answers(got.leaf, i.values) {
		return outcome{}, errNothingKept
	}
	o, err := i.outcome(got, now)
	if err != nil || now.Before(got.leaf.NotBefore) {
		return outcome{}, errNothingKept
	}
	return o, nil
}

// maxKeeper is how many bytes of a file are read; certificates and keys are
// far smaller.
const maxKeeper = 1 << 20

// readKeeper returns what a file holds, nothing where there is none.
func readKeeper(file string) ([]byte, error) {
	f, err := atomicfile.Open(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() > maxKeeper {
		return nil, errNothingKept
	}
	return io.ReadAll(io.LimitReader(f, maxKeeper))
}

func (i *issuer) issue(ctx context.Context, v visit) (outcome, error) {
	s, err := v.ask(ctx, request{method: http.MethodPut, path: i.path, body: body(i.values)})
	if err != nil {
		return outcome{}, err
	}
	if s == nil {
		return outcome{}, &missingError{i.path}
	}
	got, err := fromAnswer(s.Data)
	if err != nil {
		return outcome{}, fmt.Errorf("what was issued at %s cannot be used: %w", i.path, err)
	}
	now := time.Now()
	o, err := i.outcome(got, now)
	o.secret, o.warnings = s, s.Warnings
	if err == nil {
		v.due(http.MethodPut+" "+i.path, o.next, now)
	}
	return o, err
}

var errNeedsRenewal = errors.New("needs renewal")

// outcome returns a certificate as the answer, unless it is due to be replaced
// already.
func (i *issuer) outcome(got pair, now time.Time) (outcome, error) {
	o := outcome{
		data: watch.Taint(got.value), made: true,
		next: got.replaceAt(i.threshold, rand.Float64()), ends: got.leaf.NotAfter,
	}
	if !o.next.After(now) {
		return outcome{}, errNeedsRenewal
	}
	return o, nil
}
