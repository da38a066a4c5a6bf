package funcs

import (
	"fmt"
	"io"
	"testing"
	"text/template"

	"restencil/watch"
)

// A mapAsker answers from a map, at the least cost.
type mapAsker map[watch.Query]watch.Answer

func (m mapAsker) Ask(q watch.Query) (watch.Answer, bool, error) {
	a, ok := m[q]
	return a, ok, nil
}

func (m mapAsker) Incomplete(watch.Query) {}

func benchmarkTemplate(b *testing.B, answers mapAsker, text string) {
	e := &Env{Ask: answers}
	t := template.Must(template.New("").Funcs(Map(e)).Parse(text))
	b.ReportAllocs()
	for b.Loop() {
		e.Begin(b.Context())
		if err := t.Execute(io.Discard, nil); err != nil {
			b.Fatal(err)
		}
		e.Finish()
	}
}

func BenchmarkTreeExplode10000(b *testing.B) {
	pairs := []*watch.KeyPair{}
	for i := range 10_000 {
		key := fmt.Sprintf("app%d/service%d/key%d", i%20, i%500, i)
		pairs = append(pairs, &watch.KeyPair{Path: "conf/" + key, Key: key, Value: "value"})
	}
	answer := watch.Answer{Data: pairs, Last: pairs}
	benchmarkTemplate(b, mapAsker{{Kind: watch.KVList, Name: "conf/"}: answer},
		`{{ with tree "conf/" | explode }}{{ len . }}{{ end }}`)
}

func instances(n int) mapAsker {
	list := []*watch.HealthService{}
	for i := range n {
		list = append(list, web(fmt.Sprint(i), 8000+i%10, "prod", fmt.Sprintf("v%d", i%7)))
	}
	return mapAsker{{Kind: watch.ServiceHealth, Name: "web"}: {Data: list, Last: list}}
}

func BenchmarkRangeInstances5000(b *testing.B) {
	benchmarkTemplate(b, instances(5000), `{{ range service "web" }}server {{ .Address }}:{{ .Port }};
{{ end }}`)
}

func BenchmarkByTag5000(b *testing.B) {
	benchmarkTemplate(b, instances(5000), `{{ len (service "web" | byTag) }}`)
}

func BenchmarkKeys1000(b *testing.B) {
	answers := mapAsker{}
	text := ""
	for i := range 1000 {
		name := fmt.Sprintf("app/settings/key%d", i)
		pair := &watch.KeyPair{Path: name, Value: "value"}
		answers[watch.Query{Kind: watch.KVGet, Name: name}] = watch.Answer{Data: pair, Last: pair}
		text += fmt.Sprintf("{{ key %q }}\n", name)
	}
	benchmarkTemplate(b, answers, text)
}
