package test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"restencil/funcs"
	"restencil/template"
	"restencil/watch"
	"restencil/watch/local"
)

// TestTemplateDocs executes every example of the pages about templates, and
// wants each function of the language to have its place there, with an example
// that calls it.
//
// A page is read from its top to its end. What it has for the examples below:
//
//   - a code block after a line that ends in "`NAME`:" is a file. data.yaml
//     answers the questions to Consul, others are for the function file. Where
//     the example above has written NAME with writeToFile, it must hold this.
//   - a "dotenv" block is the environment, all of it.
//
// What it has of examples:
//
//   - a "gotmpl" block, and a "text" block right after it, are one template and
//     its output, or its error.
//   - a line of another "gotmpl" block is TEMPLATE → OUTPUT.
//   - so is a row of a table of four columns: function, description, template,
//     output.
//
// In the last two, ⏎ in the output is a newline, "error: " comes before the
// reason why the template fails, "waits for " before the queries that it needs,
// and "e.g. " before an output that depends on the host or on chance.
//
// A heading that is a name, with the signature below it, documents the function
// of that name with the examples that follow. So does a row of a table with the
// signature in its first column.
func TestTemplateDocs(t *testing.T) {
	var names []string
	for _, path := range templatePages(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			p := page{files: make(map[string]string), documented: make(map[string]bool)}
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(docsTime))
				p.t = t
				p.follow(blocks(string(text)))
			})
			names = slices.AppendSeq(names, maps.Keys(p.documented))
		})
	}
	slices.Sort(names)
	if diff := cmp.Diff(funcs.Names(), names); diff != "" {
		t.Errorf("functions (-) and what is documented, each on one page (+):\n%s", diff)
	}
}

func templatePages(t *testing.T) []string {
	t.Helper()
	pages, err := filepath.Glob("../docs/functions/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	return append(pages, "../docs/templates.md")
}

// TestFunctionIndex wants the index to lead to each function, but for sprig's,
// which it names by group.
func TestFunctionIndex(t *testing.T) {
	index, err := os.ReadFile("../docs/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range funcs.Names() {
		if !strings.HasPrefix(name, "sprig_") && !strings.Contains(string(index), "["+name+"](") {
			t.Errorf("docs/README.md does not name %s", name)
		}
	}
}

// A page is what has been read of one so far.
type page struct {
	t *testing.T

	files  map[string]string
	data   *local.Model
	env    map[string]string
	result template.Result // of the last example; Files without those that were compared

	about      string          // the function that is being documented, "" for none
	documented map[string]bool // by function: it has an example
}

// follow does what the page says.
func (p *page) follow(all []block) {
	for i := 0; i < len(all); i++ {
		b := all[i]
		paired := i+1 < len(all) && all[i+1].kind == code && all[i+1].lang == "text"
		switch {
		case b.kind == heading:
			p.heading(b, all[i+1:])
		case b.kind == row:
			p.tableRow(b)
		case b.kind == code && b.file != "":
			p.file(b)
		case b.lang == "dotenv":
			p.env = dotenv(b.text)
		case b.lang == "gotmpl" && paired:
			i++
			p.example(b.line, b.text, all[i].text)
		case b.lang == "gotmpl":
			p.lines(b)
		}
	}
	p.allFilesShown()
	for name, has := range p.documented {
		if !has {
			p.t.Errorf("%s has no example", name)
		}
	}
}

var (
	nameOnly  = regexp.MustCompile(`^([a-z]\w*)(\.\w+)?$`) // scratch.Set is about scratch
	signature = regexp.MustCompile("^`([a-z]\\w*)")
	word      = regexp.MustCompile(`\w+`)
)

// heading notes which function it is about, and wants the signature below it.
func (p *page) heading(b block, below []block) {
	p.about = ""
	m := nameOnly.FindStringSubmatch(b.text)
	if m == nil {
		return
	}
	p.document(m[1])
	if len(below) == 0 || !strings.HasPrefix(below[0].text, "`"+b.text) {
		p.t.Errorf("line %d: %s is without a signature", b.line, b.text)
	}
}

func (p *page) document(name string) {
	p.about = name
	if !p.documented[name] {
		p.documented[name] = false
	}
}

// tableRow follows a row that has an example.
func (p *page) tableRow(b block) {
	if len(b.row) != 4 || !strings.Contains(b.row[2], "{{") {
		return
	}
	above := p.about
	defer func() { p.about = above }()
	p.about = ""
	if m := signature.FindStringSubmatch(b.row[0]); m != nil {
		p.document(m[1])
	}
	p.line(b.line, uncode(b.row[2]), uncode(b.row[3]))
}

// uncode takes the marks of code off a cell, "e.g. `x`" too.
func uncode(cell string) string {
	if rest, ok := strings.CutPrefix(cell, "e.g. "); ok {
		return "e.g. " + uncode(rest)
	}
	return strings.TrimSuffix(strings.TrimPrefix(cell, "`"), "`")
}

// file takes a file for later, or compares one that the last example wrote.
func (p *page) file(b block) {
	for i, f := range p.result.Files {
		if f.Path == b.file {
			p.compare(b.line, b.text, f.Content)
			p.result.Files = slices.Delete(p.result.Files, i, i+1)
			return
		}
	}
	p.files[b.file] = b.text
	if b.file != "data.yaml" {
		return
	}
	m, err := local.Parse(b.file, []byte(b.text))
	if err != nil {
		p.t.Fatalf("line %d: %v", b.line, err)
	}
	p.data = m
}

// allFilesShown wants the files of the last example to have been compared.
func (p *page) allFilesShown() {
	for _, f := range p.result.Files {
		p.t.Errorf("the page does not show %s, which an example writes", f.Path)
	}
}

func dotenv(text string) map[string]string {
	env := make(map[string]string)
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		env[name] = value
	}
	return env
}

// lines follows a block of one example a line.
func (p *page) lines(b block) {
	at := b.line
	for line := range strings.Lines(b.text) {
		at++
		text, want, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "→")
		if !ok {
			p.t.Errorf("line %d: no → in %q", at, line)
			continue
		}
		p.line(at, strings.TrimRight(text, " "), strings.TrimPrefix(want, " "))
	}
}

// line follows an example of one line.
func (p *page) line(at int, text, want string) {
	got, err := p.execute(text)
	var failed *template.Error
	switch {
	case errors.As(err, &failed):
		got = "error: " + failed.Err.Error()
	case err != nil:
		got = "error: " + err.Error()
	case !p.result.Complete():
		got = "waits for " + queries(p.result.Missing)
	case strings.HasPrefix(want, "e.g. "):
		got = want
	}
	p.compare(at, want, strings.ReplaceAll(got, "\n", "⏎"))
}

func queries(list []watch.ID) string {
	texts := make([]string, len(list))
	for i, q := range list {
		texts[i] = q.Value().Describe(false)
	}
	return strings.Join(texts, ", ")
}

// example follows an example of two blocks.
func (p *page) example(at int, text, want string) {
	got, err := p.execute(text)
	if err != nil {
		got = err.Error() + "\n"
	} else if !p.result.Complete() {
		p.t.Errorf("line %d: it waits for %s", at, queries(p.result.Missing))
	}
	p.compare(at, want, got)
}

func (p *page) compare(at int, want, got string) {
	if want != got {
		p.t.Errorf("line %d, the page (-) and restencil (+):\n%s", at, cmp.Diff(want, got))
	}
}

// docsTime is when the examples are executed.
var docsTime = time.Date(2026, time.November, 20, 8, 30, 0, 0, time.UTC)

// execute returns what a template prints and renders. If it calls the function
// that is being documented, it is its example.
func (p *page) execute(text string) (string, error) {
	p.allFilesShown()
	p.result = template.Result{}
	if p.about != "" && slices.Contains(word.FindAllString(text, -1), p.about) {
		p.documented[p.about] = true
	}
	tmpl, err := template.Parse(template.Options{Name: "app.ctmpl", Text: text}, template.Host{
		LookupEnv: func(name string) (string, bool) { value, ok := p.env[name]; return value, ok },
	})
	if err != nil {
		return "", err
	}
	p.result, err = tmpl.Execute(p.t.Context(), p.answer)
	return p.result.Printed + string(p.result.Content), err
}

// answer gives what docsAnswers, the page's files and its data know.
func (p *page) answer(id watch.ID) *watch.Answer {
	data, ok := p.dataOf(id.Value())
	if !ok {
		return nil
	}
	return &watch.Answer{Data: data, Last: data}
}

func (p *page) dataOf(q watch.Query) (data any, ok bool) {
	if data, ok := docsAnswers[q.String()]; ok {
		return data, true
	}
	if q.Kind == watch.FileContent {
		content, ok := p.files[filepath.ToSlash(q.Name)]
		return content, ok
	}
	if p.data == nil {
		return nil, false
	}
	data, err := p.data.Answer(q)
	return data, err == nil
}
