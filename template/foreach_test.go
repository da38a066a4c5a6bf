package template

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"restencil/watch"
)

func TestForEach(t *testing.T) {
	for _, tt := range []struct {
		name, forEach, text string
		want                []Element
		err                 string
	}{
		{"a list", `"b a" | split " "`, "/etc/{{ . }}.conf", []Element{{Dot: "b", Text: "/etc/b.conf"}, {Dot: "a", Text: "/etc/a.conf"}}, ""},
		{"a map", `"{\"b\": 1, \"a\": 2}" | parseJSON`, "{{ .Key }}", []Element{{Dot: MapElement{"a", 2.0}, Text: "a"}, {Dot: MapElement{"b", 1.0}, Text: "b"}}, ""},
		{"none", `"[]" | parseJSON`, "{{ . }}", []Element{}, ""},
		{"no list", `"a"`, "{{ . }}", nil, `t:1:9: in {{ for_each ("a") }}: for_each needs a list or a map, such as ls "sites" returns, not string`},
		{"a zero byte", `"a" | split " "`, `{{ "\x00" }}`, nil, "t: the text for an element has a zero byte"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			parsed, err := Parse(Options{Name: "t", Text: tt.text, ForEach: tt.forEach}, Host{})
			if err != nil {
				t.Fatal(err)
			}
			r, err := parsed.Execute(context.Background(), func(watch.ID) *watch.Answer { return nil })
			if err != nil && err.Error() != tt.err || err == nil && tt.err != "" {
				t.Fatalf("error %v, want %s", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, r.Elements, cmp.AllowUnexported(Secrets{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDot(t *testing.T) {
	parsed, err := Parse(Options{Name: "t", Text: "{{ .Key }}={{ $.Value }}", Dot: MapElement{"a", 1}}, Host{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := parsed.Execute(context.Background(), func(watch.ID) *watch.Answer { return nil })
	if err != nil || string(r.Content) != "a=1" {
		t.Errorf("%q, %v", r.Content, err)
	}
}
