package vault

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"testing"
	"time"

	"restencil/test/await"
	"restencil/test/binary"
	"restencil/test/servers"
)

var soak = flag.Duration("soak", 0, "how long the tests that last do so; zero: some seconds")

// TestMain lets many tests wait at a time, which is what they mostly do.
func TestMain(m *testing.M) {
	flag.Parse()
	servers.Need("vault")
	if flag.Lookup("test.parallel").Value.String() == flag.Lookup("test.parallel").DefValue {
		_ = flag.Set("test.parallel", "6")
	}
	os.Exit(binary.Main(m))
}

// lasting returns how long something lasts: that long, or as long as the soak.
func lasting(short time.Duration) time.Duration { return max(short, *soak) }

// differs returns a check that the file at path has another content than this.
func differs(path, old string) func() error {
	return func() error {
		got, err := os.ReadFile(path)
		if err == nil && string(got) == old {
			err = fmt.Errorf("%s still holds «%s»", path, await.Clip(old))
		}
		return err
	}
}

// content returns what the file at path holds.
func content(t *testing.T, path string) string {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

// absent fails the test where there is a file at path.
func absent(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is %s (%v)", path, err)
	}
}

// write makes the file at path hold text, all at once.
func write(t *testing.T, path, text string) {
	t.Helper()
	next := path + ".next"
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, path); err != nil {
		t.Fatal(err)
	}
}
