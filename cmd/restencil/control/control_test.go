package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A recorder notes what it is asked for. Bundle "no" is refused, and "slow"
// waits for the end.
type recorder struct {
	lock  sync.Mutex
	asked []string
}

func (r *recorder) note(ctx context.Context, text, bundle string) error {
	r.lock.Lock()
	r.asked = append(r.asked, text)
	r.lock.Unlock()
	switch bundle {
	case "no":
		return errors.New("nothing is held")
	case "slow":
		<-ctx.Done()
		return context.Cause(ctx)
	}
	return nil
}

func (r *recorder) Accept(ctx context.Context, bundle string) error {
	return r.note(ctx, "accept "+bundle, bundle)
}

func (r *recorder) Rollback(ctx context.Context, bundle string, generation int) error {
	return r.note(ctx, fmt.Sprintf("rollback %s %d", bundle, generation), bundle)
}

func (r *recorder) Status(ctx context.Context) (any, error) {
	return map[string]string{"text": strings.Repeat("x", 2*maxRequest)}, r.note(ctx, "status", "")
}

func (r *recorder) Diff(ctx context.Context, bundle string) (any, error) {
	return nil, r.note(ctx, "diff "+bundle, bundle)
}

func (r *recorder) all() string {
	r.lock.Lock()
	defer r.lock.Unlock()
	return strings.Join(r.asked, ", ")
}

// started serves a directory until the test ends or stop is called.
func started(t *testing.T, dir string) (r *recorder, stop func()) {
	t.Helper()
	s, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	r = new(recorder)
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { s.Serve(ctx, r) })
	stop = func() {
		cancel()
		done.Wait()
	}
	t.Cleanup(stop)
	return r, stop
}

func TestAsk(t *testing.T) {
	dir := t.TempDir()
	r, _ := started(t, dir)
	if err := Ask(t.Context(), dir, Request{Do: Accept, Bundle: "web"}, nil); err != nil {
		t.Error(err)
	}
	if err := Ask(t.Context(), dir, Request{Do: Rollback, Bundle: "web", Generation: 3}, nil); err != nil {
		t.Error(err)
	}
	err := Ask(t.Context(), dir, Request{Do: Accept, Bundle: "no"}, nil)
	if err == nil || err.Error() != "nothing is held" {
		t.Errorf("error %v, want the runner's", err)
	}
	if err := Ask(t.Context(), dir, Request{Do: "dance"}, nil); err == nil || err.Error() != `unknown request "dance": want accept, rollback, status or diff` {
		t.Errorf("error %v", err)
	}
	var result map[string]string
	if err := Ask(t.Context(), dir, Request{Do: Status}, &result); err != nil || len(result["text"]) != 2*maxRequest {
		t.Errorf("the status is %d bytes, %v", len(result["text"]), err)
	}
	if err := Ask(t.Context(), dir, Request{Do: Diff, Bundle: "no"}, &result); err == nil || err.Error() != "nothing is held" {
		t.Errorf("error %v, want the runner's", err)
	}
	if got, want := r.all(), "accept web, rollback web 3, accept no, status, diff no"; got != want {
		t.Errorf("asked %q, want %q", got, want)
	}
}

func TestNoDaemon(t *testing.T) {
	dir := t.TempDir()
	long := filepath.Join(dir, strings.Repeat("x", 120))
	left := t.TempDir() // a socket that a crash left
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(left, socketName)})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	for _, dir := range []string{dir, filepath.Join(dir, "none"), long, left} {
		if err := Ask(t.Context(), dir, Request{Do: Accept}, nil); !errors.Is(err, ErrNoDaemon) {
			t.Errorf("%s: error %v, want that there is no daemon", dir, err)
		}
	}
	started(t, left)
	if err := Ask(t.Context(), left, Request{Do: Accept, Bundle: "web"}, nil); err != nil {
		t.Errorf("a socket that was left is not replaced: %v", err)
	}
}

// TestLongPath: a path that is too long for a socket does not matter.
func TestLongPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("x", 120))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, _, err := reachable(dir); err != nil && runtime.GOOS != "linux" {
		t.Skip(err) // there it is an error that says what to do
	}
	_, stop := started(t, dir)
	if err := Ask(t.Context(), dir, Request{Do: Accept, Bundle: "web"}, nil); err != nil {
		t.Error(err)
	}
	stop()
	if _, err := os.Lstat(filepath.Join(dir, socketName)); err == nil {
		t.Error("the socket is left behind")
	}
}

// TestTaken: two processes do not take the socket from each other.
func TestTaken(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "dir")
	started(t, dir)
	if _, err := Listen(dir); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("error %v, want that somebody is there", err)
	}
	if err := Ask(t.Context(), dir, Request{Do: Accept, Bundle: "web"}, nil); err != nil {
		t.Error(err)
	}
}

func TestOnlyOwner(t *testing.T) {
	dir := t.TempDir()
	started(t, dir)
	info, err := os.Stat(filepath.Join(dir, socketName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v, want mode 0600", info, err)
	}
}

// TestEnd: neither a request under way nor one that never comes holds up the
// end, and both sides learn of it.
func TestEnd(t *testing.T) {
	dir := t.TempDir()
	r, stop := started(t, dir)
	silent, err := net.Dial("unix", filepath.Join(dir, socketName))
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	var asking sync.WaitGroup
	asking.Go(func() {
		if err := Ask(context.Background(), dir, Request{Do: Accept, Bundle: "slow"}, nil); err == nil {
			t.Error("a request that was cut short is reported as done")
		}
	})
	for deadline := time.Now().Add(10 * time.Second); r.all() == "" && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	stop()
	asking.Wait()
}

// TestCancel: whoever asks need not wait.
func TestCancel(t *testing.T) {
	dir := t.TempDir()
	r, _ := started(t, dir)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	var asking sync.WaitGroup
	asking.Go(func() {
		if err := Ask(ctx, dir, Request{Do: Accept, Bundle: "slow"}, nil); !errors.Is(err, why) {
			t.Errorf("error %v, want %v", err, why)
		}
	})
	for deadline := time.Now().Add(10 * time.Second); r.all() == "" && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	cancel(why)
	asking.Wait()
}

// TestNonsense: what is no request is refused, and nothing is done.
func TestNonsense(t *testing.T) {
	dir := t.TempDir()
	r, _ := started(t, dir)
	for _, text := range []string{"hello\n", "[]\n", `{"do": 1}` + "\n", strings.Repeat("x", 2*maxRequest)} {
		c, err := net.Dial("unix", filepath.Join(dir, socketName))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write([]byte(text)) // it may be refused half-way
		var answer reply
		if err := receive(c, maxReply, &answer); err == nil && answer.Error == "" {
			t.Errorf("%.20q is taken", text)
		}
		c.Close()
	}
	if r.all() != "" {
		t.Errorf("asked %q, want nothing", r.all())
	}
}
