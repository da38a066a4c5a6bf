package metrics

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// contentType is that of Prometheus' text format.
const contentType = "text/plain; version=0.0.4; charset=utf-8"

// A text is metrics, by name, to be written in Prometheus' text format.
type text map[string]*family

// A family is what is measured of all that a metric is about.
type family struct {
	kind, help string
	samples    []sample
}

// A sample is what is measured of one.
type sample struct{ labels, lines string }

// Kinds of metrics.
const (
	counter = "counter"
	gauge   = "gauge"
)

// add adds a counter or gauge. The labels are names, in order, and values by turns.
func (t text) add(kind, name, help string, value float64, labels ...string) {
	all := joinLabels(labels)
	t.addLines(kind, name, help, all, sampleLine(name, all, value))
}

func (t text) addLines(kind, name, help, labels, lines string) {
	if t[name] == nil {
		t[name] = &family{kind: kind, help: help}
	}
	t[name].samples = append(t[name].samples, sample{labels, lines})
}

// write writes the metrics in the order of their names and labels.
func (t text) write(w io.Writer) error {
	for _, name := range slices.Sorted(maps.Keys(t)) {
		f := t[name]
		sort.SliceStable(f.samples, func(i, j int) bool { return f.samples[i].labels < f.samples[j].labels })
		f.samples = slices.CompactFunc(f.samples, func(a, b sample) bool { return a.labels == b.labels }) // each may be there once
		_, err := fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", name, escape(f.help, false), name, f.kind)
		for i := 0; i < len(f.samples) && err == nil; i++ {
			_, err = io.WriteString(w, f.samples[i].lines)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func joinLabels(labels []string) string {
	var pairs []string
	for pair := range slices.Chunk(labels, 2) {
		pairs = append(pairs, pair[0]+`="`+escape(pair[1], true)+`"`)
	}
	return strings.Join(pairs, ",")
}

func sampleLine(name, labels string, value float64) string {
	if labels != "" {
		labels = "{" + labels + "}"
	}
	return name + labels + " " + number(value) + "\n"
}

func number(value float64) string { return strconv.FormatFloat(value, 'g', -1, 64) }

// escape escapes a help, or the value of a label, which stands between quotes. What is
// not UTF-8 is replaced.
func escape(s string, quoted bool) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(s)
	if quoted {
		s = strings.ReplaceAll(s, `"`, `\"`)
	}
	return s
}

// A histogram counts values by size.
type histogram struct {
	bounds []float64 // the most in each bucket but the last, in order
	counts []uint64  // by bucket
	sum    float64
}

// newHistogram returns one with so many bounds, each four times the one before.
func newHistogram(first float64, bounds int) *histogram {
	h := &histogram{counts: make([]uint64, bounds+1)}
	for range bounds {
		h.bounds = append(h.bounds, first)
		first *= 4
	}
	return h
}

func (h *histogram) observe(value float64) {
	i, _ := slices.BinarySearch(h.bounds, value)
	h.counts[i]++
	h.sum += value
}

// addTo adds the histogram to a text. The labels are as in add.
func (h *histogram) addTo(t text, name, help string, labels ...string) {
	var lines strings.Builder
	count := uint64(0)
	for i, n := range h.counts {
		count += n
		most := "+Inf"
		if i < len(h.bounds) {
			most = number(h.bounds[i])
		}
		lines.WriteString(sampleLine(name+"_bucket", joinLabels(append(slices.Clip(labels), "le", most)), float64(count)))
	}
	all := joinLabels(labels)
	lines.WriteString(sampleLine(name+"_sum", all, h.sum))
	lines.WriteString(sampleLine(name+"_count", all, float64(count)))
	t.addLines("histogram", name, help, all, lines.String())
}
