package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
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

// length is that of a long reply.
const length = 1 << 17

func (r *recorder) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.lock.Lock()
	r.asked = append(r.asked, q.Method+" "+q.URL.String())
	r.lock.Unlock()
	switch q.FormValue("bundle") {
	case "no":
		w.WriteHeader(http.StatusConflict)
		fmt.Fprint(w, `{"error": "nothing is held"}`)
	case "slow":
		<-q.Context().Done()
		panic(http.ErrAbortHandler)
	case "cut":
		fmt.Fprint(w, `{"text": "`)
	default:
		fmt.Fprintf(w, `{"text": "%s"}`, strings.Repeat("x", length))
	}
}

func (r *recorder) all() string {
	r.lock.Lock()
	defer r.lock.Unlock()
	return strings.Join(r.asked, ", ")
}

// started serves a directory until the test ends or stop is called.
func started(t *testing.T, dir string) (r *recorder, stop func()) {
	t.Helper()
	l, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	r = new(recorder)
	server := http.Server{Handler: r}
	var done sync.WaitGroup
	done.Go(func() { _ = server.Serve(l) })
	stop = func() {
		server.Close()
		done.Wait()
	}
	t.Cleanup(stop)
	return r, stop
}

func TestAsk(t *testing.T) {
	dir := t.TempDir()
	r, _ := started(t, dir)
	if err := Ask(t.Context(), dir, Request{Do: Accept, Bundle: "a &b"}, nil); err != nil {
		t.Error(err)
	}
	if err := Ask(t.Context(), dir, Request{Do: Rollback, Bundle: "web", Generation: 3}, nil); err != nil {
		t.Error(err)
	}
	for _, do := range []string{Accept, Diff} {
		err := Ask(t.Context(), dir, Request{Do: do, Bundle: "no"}, new(any))
		if err == nil || err.Error() != "nothing is held" {
			t.Errorf("error %v, want the daemon's", err)
		}
	}
	var result map[string]string
	if err := Ask(t.Context(), dir, Request{Do: Status}, &result); err != nil || len(result["text"]) != length {
		t.Errorf("the status is %d bytes, %v", len(result["text"]), err)
	}
	if err := Ask(t.Context(), dir, Request{Do: Diff, Bundle: "cut"}, &result); err == nil || err.Error() != "the daemon ended before it answered" {
		t.Errorf("error %v, want that the reply is cut short", err)
	}
	want := "POST /v1/accept?bundle=a+%26b&generation=0, POST /v1/rollback?bundle=web&generation=3, POST /v1/accept?bundle=no&generation=0, " +
		"GET /v1/diff?bundle=no&generation=0, GET /v1/status?bundle=&generation=0, GET /v1/diff?bundle=cut&generation=0"
	if got := r.all(); got != want {
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

// TestEnd: whoever asks learns of the daemon's end.
func TestEnd(t *testing.T) {
	dir := t.TempDir()
	r, stop := started(t, dir)
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
