package test

import (
	"flag"
	"fmt"
	"html"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "write docs/demo.svg as the demo prints it")

// checkPicture wants docs/demo.svg, which the README shows, to be a picture of this
// output of make demo.
func checkPicture(t *testing.T, output string) {
	t.Helper()
	const file = "../docs/demo.svg"
	want := picture(output)
	if *update {
		writeFile(t, file, want)
	}
	if got, err := os.ReadFile(file); err != nil || strings.ReplaceAll(string(got), "\r\n", "\n") != want {
		t.Errorf("%s is no picture of what make demo prints (error: %v): go test ./test -run TestExampleHello -update writes it", file, err)
	}
}

// picture returns an SVG drawing of a terminal with a text in which lines begin with
// "$ ", or are marked with a plus or minus as new or gone.
func picture(text string) string {
	const (
		margin     = 16 // pixels
		lineHeight = 20
		charWidth  = 8.4
	)
	text = "$ make demo\n" + strings.TrimSuffix(text, "\n")
	lines, longest := strings.Split(text, "\n"), 0
	var b strings.Builder
	for i, line := range lines {
		longest = max(longest, utf8.RuneCountInString(line))
		class := map[string]string{"$": "command", "+": "new", "-": "gone"}[line[:min(1, len(line))]]
		fmt.Fprintf(&b, `<text class="%s" x="%d" y="%d">%s</text>`+"\n", class, margin, margin+14+i*lineHeight, html.EscapeString(line))
	}
	width, height := 2*margin+int(float64(longest)*charWidth), 2*margin+len(lines)*lineHeight
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="what make demo prints">
<style>
  rect { fill: #f6f8fa; stroke: #d1d9e0 }
  text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre; fill: #1f2328 }
  .command { font-weight: 600 } .new { fill: #116329 } .gone { fill: #a40e26 }
  @media (prefers-color-scheme: dark) {
    rect { fill: #151b23; stroke: #3d444d }
    text { fill: #f0f6fc } .new { fill: #7ee787 } .gone { fill: #ffa198 }
  }
</style>
<rect x="0.5" y="0.5" width="%d" height="%d" rx="6"/>
%s</svg>
`, width, height, width, height, width-1, height-1, b.String())
}
