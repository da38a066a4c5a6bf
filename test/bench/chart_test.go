package bench

import (
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
)

// The chart's measures, in pixels.
const (
	chartWidth = 760
	plotLeft   = 190 // labels are left of it
	plotRight  = 690 // and values of long bars right of it
	plotTop    = 64
	barHeight  = 9
	barStep    = 12
	groupGap   = 12
)

// charted are the figures that have bars.
func charted() []figure { return []figure{timeTaken, cpuTime, memory, connections} }

// chart returns an SVG drawing of how restencil's figures compare with
// consul-template's, on a logarithmic scale: a bar to the left is less.
func chart(rows []row) string {
	rows = compared(rows)
	var bars strings.Builder
	s := scaleOf(rows)
	y := plotTop
	for _, r := range rows {
		drawn := drawGroup(&bars, r, s, y)
		if drawn > 0 {
			y += drawn*barStep + groupGap
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="restencil relative to consul-template">`+"\n",
		chartWidth, y+24, chartWidth, y+24)
	b.WriteString(style)
	drawLegend(&b)
	s.drawGrid(&b, y)
	b.WriteString(bars.String())
	b.WriteString("</svg>\n")
	return b.String()
}

// style gives the chart its colours, by day and by night.
const style = `<style>
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .small { font-size: 10px; fill: #59636e }
  .title { font-weight: 600; font-size: 14px }
  .grid { stroke: #d1d9e0 } .one { stroke: #1f2328; stroke-width: 1.5 }
  .time { fill: #0969da } .CPU { fill: #bc4c00 } .memory { fill: #1a7f37 } .connections { fill: #8250df }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .small { fill: #9198a1 }
    .grid { stroke: #3d444d } .one { stroke: #f0f6fc }
    .time { fill: #4493f8 } .CPU { fill: #f0883e } .memory { fill: #3fb950 } .connections { fill: #ab7df8 }
  }
</style>
`

func drawLegend(b *strings.Builder) {
	fmt.Fprintf(b, `<text class="title" x="8" y="20">restencil relative to consul-template</text>`+"\n")
	for i, f := range charted() {
		x := plotLeft + i*100
		fmt.Fprintf(b, `<rect class="%s" x="%d" y="32" width="10" height="10"/><text class="small" x="%d" y="41">%s</text>`+"\n", f, x, x+14, f)
	}
	fmt.Fprintf(b, `<text class="small" x="%d" y="20" text-anchor="end">further left is less; logarithmic</text>`+"\n", plotRight)
}

// compared leaves out what one of the two never did.
func compared(rows []row) []row {
	return slices.DeleteFunc(slices.Clone(rows), func(r row) bool {
		return math.IsInf(r.of[restencil][timeTaken], 1) || math.IsInf(r.of[consulTemplate][timeTaken], 1)
	})
}

// drawGroup draws the bars of a row from y downwards, and returns how many
// there are.
func drawGroup(b *strings.Builder, r row, s scale, y int) int {
	drawn := 0
	for _, f := range charted() {
		ratio, ok := r.ratio(f, consulTemplate)
		if !ok {
			continue
		}
		s.drawBar(b, f, ratio, y+drawn*barStep)
		drawn++
	}
	if drawn > 0 {
		middle := y + (drawn*barStep-(barStep-barHeight))/2 + 4
		fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", plotLeft-12, middle, html.EscapeString(r.name))
	}
	return drawn
}

// A scale places ratios between two powers of ten.
type scale struct{ low, high int }

// scaleOf returns the scale on which all ratios of the rows find place.
func scaleOf(rows []row) scale {
	s := scale{-1, 0}
	for _, r := range rows {
		for _, f := range charted() {
			if ratio, ok := r.ratio(f, consulTemplate); ok {
				power := math.Log10(max(ratio, 1e-6))
				s.low = min(s.low, int(math.Floor(power)))
				s.high = max(s.high, int(math.Ceil(power-0.05))) // 1.1 fits right of the line
			}
		}
	}
	return s
}

func (s scale) x(ratio float64) float64 {
	part := (math.Log10(max(ratio, 1e-6)) - float64(s.low)) / float64(s.high-s.low)
	return plotLeft + part*(plotRight-plotLeft)
}

// drawBar draws a bar between 1 and a ratio, and the ratio beside it.
func (s scale) drawBar(b *strings.Builder, f figure, ratio float64, y int) {
	from, to := s.x(min(ratio, 1)), s.x(max(ratio, 1))
	fmt.Fprintf(b, `<rect class="%s" x="%.1f" y="%d" width="%.1f" height="%d"/>`, f, from, y, max(to-from, 1), barHeight)
	label, anchor := from-4, "end"
	if ratio >= 1 || label < plotLeft+30 { // no room on the left
		label, anchor = to+4, "start"
	}
	fmt.Fprintf(b, `<text class="small" x="%.1f" y="%d" text-anchor="%s">%s</text>`+"\n", label, y+barHeight-1, anchor, ratioText(ratio))
}

// drawGrid draws a line for each power of ten, down to bottom.
func (s scale) drawGrid(b *strings.Builder, bottom int) {
	for power := s.low; power <= s.high; power++ {
		x, class := s.x(math.Pow10(power)), "grid"
		if power == 0 {
			class = "one"
		}
		fmt.Fprintf(b, `<line class="%s" x1="%.1f" y1="%d" x2="%.1f" y2="%d"/>`, class, x, plotTop-6, x, bottom)
		fmt.Fprintf(b, `<text class="small" x="%.1f" y="%d" text-anchor="middle">%g×</text>`+"\n", x, bottom+14, math.Pow10(power))
	}
}

// TestChartIsXML makes sure that browsers can read the chart.
func TestChartIsXML(t *testing.T) {
	some := figures{timeTaken: 1, cpuTime: 0.001, memory: 2e7, connections: 12}
	more := figures{timeTaken: 0.5, cpuTime: 10, memory: 1e9, connections: 10_000}
	r := row{scenario{name: "<&>"}, map[string]figures{restencil: some, consulTemplate: more}}
	d := xml.NewDecoder(strings.NewReader(chart([]row{r})))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
