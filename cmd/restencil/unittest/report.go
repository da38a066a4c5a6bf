package unittest

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"restencil/runner/diff"
	"restencil/runner/status"
	"restencil/watch/printable"
)

// Write writes results for people: what failed and why, then a line for each file and
// one for all. With verbose it has a line for each test. It returns how many failed.
func Write(w io.Writer, results []Result, verbose, color bool) (failed int, err error) {
	var details, table strings.Builder
	rows := tabwriter.NewWriter(&table, 6, 0, 2, ' ', 0)
	for _, file := range byFile(results) {
		bad := 0
		for _, r := range file {
			switch {
			case len(r.Failures) > 0:
				bad++
				fmt.Fprintf(&details, "FAIL  %s:%d: %s\n", r.File, r.Line, r.Name)
				text := printable.Text(strings.Join(r.Failures, "\n") + "\n")
				if color {
					text = diff.Colored(text)
				}
				for line := range strings.Lines(text) {
					details.WriteString("    " + line)
				}
			case verbose:
				fmt.Fprintf(&details, "ok    %s:%d: %s\n", r.File, r.Line, r.Name)
			}
		}
		if failed += bad; bad > 0 {
			fmt.Fprintf(rows, "FAIL\t%s\t%d of %s failed\n", file[0].File, bad, status.Count(len(file), "test"))
		} else {
			fmt.Fprintf(rows, "ok\t%s\t%s\n", file[0].File, status.Count(len(file), "test"))
		}
	}
	rows.Flush()
	_, err = io.WriteString(w, details.String()+table.String())
	return failed, err
}

// byFile returns the results of each file.
func byFile(results []Result) (files [][]Result) {
	for i, r := range results {
		if i == 0 || results[i-1].File != r.File {
			files = append(files, nil)
		}
		last := len(files) - 1
		files[last] = append(files[last], r)
	}
	return files
}

// The elements of JUnit's XML.
type (
	suites struct {
		XMLName  xml.Name `xml:"testsuites"`
		Tests    int      `xml:"tests,attr"`
		Failures int      `xml:"failures,attr"`
		Suites   []suite  `xml:"testsuite"`
	}
	suite struct {
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Time     seconds    `xml:"time,attr"`
		Cases    []testcase `xml:"testcase"`
	}
	testcase struct {
		Name    string   `xml:"name,attr"`
		Class   string   `xml:"classname,attr"`
		File    string   `xml:"file,attr"`
		Line    int      `xml:"line,attr"`
		Time    seconds  `xml:"time,attr"`
		Failure *failure `xml:"failure"`
	}
	failure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	seconds float64
)

// MarshalText implements encoding.TextMarshaler.
func (s seconds) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%.6f", float64(s)), nil }

// WriteJUnit writes results as XML in the form of JUnit, a suite for each file.
func WriteJUnit(w io.Writer, results []Result) error {
	var all suites
	for _, file := range byFile(results) {
		s := suite{Name: file[0].File, Tests: len(file)}
		for _, r := range file {
			took := seconds(r.Took.Seconds())
			c := testcase{Name: r.Name, Class: r.File, File: r.File, Line: r.Line, Time: took}
			if len(r.Failures) > 0 {
				first, _, _ := strings.Cut(r.Failures[0], "\n")
				if strings.HasPrefix(first, "--- ") {
					first = "other output"
				}
				c.Failure = &failure{first, strings.Join(r.Failures, "\n")}
				s.Failures++
			}
			s.Time += took
			s.Cases = append(s.Cases, c)
		}
		all.Tests, all.Failures = all.Tests+s.Tests, all.Failures+s.Failures
		all.Suites = append(all.Suites, s)
	}
	text, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, text)
	return err
}
