package service

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"restencil/cmd/restencil/config"
	"restencil/renderer"
	"restencil/runner"
	"restencil/runner/diff"
)

const (
	shadowEvery = 500 * time.Millisecond // how often files are compared
	shadowTurn  = 5 * time.Second        // what the other program is given for a change
)

// A shadow is what -shadow has seen so far of the files that another program writes.
type shadow struct {
	files    map[string]shadowFile // by path: those that have been rendered
	reported int                   // differences
	failure  string                // the error that was logged last
}

// A shadowFile is a file as it was reported last.
type shadowFile struct {
	reported bool
	text     string    // the difference; "": there was none
	since    time.Time // since when it is not as it was reported, zero: it is
}

// shadowSettle returns how long a file may differ before that is reported: the other
// program may wait until its data is quiet.
func shadowSettle(o runner.Options) time.Duration {
	longest := time.Duration(0)
	for _, t := range o.Templates {
		longest = max(longest, t.Wait.Min, t.Wait.Max)
	}
	for _, b := range o.Bundles {
		longest = max(longest, b.Wait.Min, b.Wait.Max)
	}
	return shadowTurn + longest
}

// compare reports each file that has come to be in step, or that has differed for as
// long as settle. It returns in how long it is to be called again.
func (s *service) compare(plans []diff.Plan, err error, settle time.Duration) (again time.Duration) {
	if err != nil {
		if err.Error() != s.shadow.failure && !s.cfg.Once {
			s.warn("shadow", err)
		}
		s.shadow.failure = err.Error()
	}
	settled := s.shadow.compare(time.Now(), plans, settle, func(text string) { _ = s.PrintDiff(text) })
	if s.cfg.Once && (settled || err != nil) {
		return 0
	}
	return shadowEvery
}

func (s *shadow) compare(now time.Time, plans []diff.Plan, settle time.Duration, report func(string)) (settled bool) {
	files := make(map[string]shadowFile)
	settled = true
	for _, p := range plans {
		for _, f := range p.Files {
			one, text := s.files[f.Path], f.Text()
			switch {
			case one.reported && text == one.text:
				one.since = time.Time{}
			case text == "":
				one = shadowFile{reported: true}
				report(f.Path + ": in step\n")
			case one.since.IsZero():
				one.since = now
			case now.Sub(one.since) >= settle:
				one = shadowFile{reported: true, text: text}
				s.reported++
				report(fmt.Sprintf("%s: differs, - is what is there and + what restencil would write:\n%s", f.Path, text))
			}
			settled = settled && one.since.IsZero()
			files[f.Path] = one
		}
	}
	s.files = files
	return settled
}

// end prints how the files of templates are, and returns the exit code.
func (s *shadow) end(w io.Writer, templates []*config.Template) int {
	var differ, open []string
	for _, path := range slices.Sorted(maps.Keys(s.files)) {
		switch f := s.files[path]; {
		case f.text != "":
			differ = append(differ, path)
		case !f.reported:
			open = append(open, path)
		}
	}
	total := len(s.files)
	for _, t := range templates {
		path := t.File.Destination
		if _, known := s.files[path]; !known && renderer.StreamOf(path) == renderer.NoStream && !slices.Contains(open, path) {
			total++
			open = append(open, path)
		}
	}
	fmt.Fprintf(w, "%d of %d files in step; differences reported: %d\n", total-len(differ)-len(open), total, s.reported)
	for _, one := range []struct {
		text  string
		paths []string
	}{{"differ", differ}, {"not rendered or not compared yet", open}} {
		if len(one.paths) > 0 {
			fmt.Fprintf(w, "%s: %s\n", one.text, strings.Join(one.paths, ", "))
		}
	}
	if s.reported+len(open) > 0 {
		return ExitChanges
	}
	return 0
}
