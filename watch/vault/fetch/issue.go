package fetch

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
	"restencil/watch/vault/client"
	"restencil/watch/vault/lease"
	"restencil/watch/vault/token"
)

// An issuer is the Fetcher of a VaultPKI query.
type issuer struct {
	question
	values url.Values
	files  []string // that keep what was issued
	looked bool     // into these files
}

// Offline implements Fetcher: the first look is at the files.
func (i *issuer) Offline() bool { return !i.looked }

// ErrNothingKept says that the files keep nothing that can be used: the next
// attempt is for Vault.
var ErrNothingKept = errors.New("nothing is kept that can be used")

// Fetch implements Fetcher.
func (i *issuer) Fetch(ctx context.Context, e token.Epoch) (Result, error) {
	if !i.looked {
		i.looked = true
		return i.kept(time.Now())
	}
	return i.issue(ctx, e)
}

// kept returns the certificate that the files keep, if it can be used.
func (i *issuer) kept(now time.Time) (Result, error) {
	var b pemBundle
	for _, file := range i.files {
		text, err := readKept(file)
		if err != nil || b.add(text) != nil {
			return Result{}, ErrNothingKept
		}
	}
	got, err := b.newest()
	if err != nil || got.value.Key == "" && !i.values.Has("csr") || !matches(got.leaf, i.values) {
		return Result{}, ErrNothingKept
	}
	result, err := i.result(got, now)
	if err != nil || now.Before(got.leaf.NotBefore) {
		return Result{}, ErrNothingKept
	}
	return result, nil
}

// maxKept is how many bytes of a file are read; certificates and keys are
// far smaller.
const maxKept = 1 << 20

// readKept returns what a file holds, nothing where there is none.
func readKept(file string) ([]byte, error) {
	f, err := atomicfile.Open(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() > maxKept {
		return nil, ErrNothingKept
	}
	return io.ReadAll(io.LimitReader(f, maxKept))
}

func (i *issuer) issue(ctx context.Context, e token.Epoch) (Result, error) {
	s, err := i.ask(ctx, i.id, client.Request{Method: http.MethodPut, Path: i.path, Body: bodyOf(i.values)}, e, mount{})
	if err != nil {
		return Result{}, err
	}
	if s == nil {
		return Result{}, &MissingError{Path: i.path}
	}
	got, err := fromAnswer(s.Data)
	if err != nil {
		return Result{}, fmt.Errorf("what was issued at %s cannot be used: %w", i.path, err)
	}
	result, err := i.result(got, time.Now())
	result.Lease.ID, result.Warnings = s.LeaseID, s.Warnings
	return result, err
}

// result returns a certificate as the answer, unless it is due to be replaced
// already.
func (i *issuer) result(got pair, now time.Time) (Result, error) {
	start, end := got.leaf.NotBefore, got.leaf.NotAfter
	share := lease.Share(i.rules.Threshold, rand.Float64())
	replace := start.Add(time.Duration(float64(end.Sub(start)) * share)) // COMPAT 4.12.5
	if !replace.After(now) {
		return Result{}, errors.New("needs renewal")
	}
	return Result{Data: watch.Taint(got.value), Issued: true, Lease: lease.Until(now, replace, end)}, nil
}
