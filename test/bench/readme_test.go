package bench

import (
	"os"
	"strings"
	"testing"
)

// TestReadmeShowsResults makes sure that the README's table is that of the page.
func TestReadmeShowsResults(t *testing.T) {
	results, err := os.ReadFile(pageFile)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(readText(readmeFile), tableBegin)
	shown, _, ok := strings.Cut(rest, tableEnd)
	if !ok {
		t.Fatal("the README has no table")
	}
	for line := range strings.Lines(shown) {
		if !strings.Contains(string(results), line) {
			t.Errorf("the README shows a line that RESULTS.md has not: run make bench\n%s", line)
		}
	}
}
