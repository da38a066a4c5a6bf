package funcs

import "testing"

func TestSpew(t *testing.T) {
	const list = `(sprig_list 1 "é" nil)`
	p, err := parsePage(`{{ spew_sdump ` + list + ` }}{{ spew_sprintf "%v %#v|" ` + list + ` 2.5 }}{{ spew_sdump }}|{{ spew_dump "out" 1 }}{{ spew_printf "%v-%d\n" nil 7 }}`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.render()
	if err != nil {
		t.Fatal(err)
	}
	if want := "([]interface {}) (len=3 cap=3) {\n (int) 1,\n (string) (len=2) \"é\",\n (interface {}) <nil>\n}\n[1 é <nil>] (float64)2.5||"; got != want {
		t.Errorf("rendered %q\nwant     %q", got, want)
	}
	if got, want := p.execution.printed.String(), "(string) (len=3) \"out\"\n(int) 1\n<nil>-7\n"; got != want {
		t.Errorf("printed %q\nwant    %q", got, want)
	}
}
