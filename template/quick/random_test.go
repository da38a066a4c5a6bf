package quick

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"restencil/template/quick/quicktest"
)

// FuzzAgree compares programs of templates that are made at random, by a number,
// with text/template.
func FuzzAgree(f *testing.F) {
	for n := range uint64(3000) {
		f.Add(n)
	}
	words := vocabulary()
	f.Fuzz(func(t *testing.T, n uint64) {
		rng := rand.New(rand.NewPCG(n, 1))
		text := quicktest.Template(rng, words)
		if p, err := parsed(text, n%4 == 0); err == nil && p.program != nil {
			p.agree(t, text)
		}
	})
}

// TestRandomTemplatesRender makes sure that there is something to compare.
func TestRandomTemplatesRender(t *testing.T) {
	words, rendered := vocabulary(), 0
	for n := range uint64(1000) {
		text := quicktest.Template(rand.New(rand.NewPCG(n, 2)), words)
		if p, err := parsed(text, false); err == nil && p.program != nil && p.agree(t, text) {
			rendered++
		}
	}
	if rendered < 150 {
		t.Errorf("%d templates of 1000 have an output", rendered)
	}
}

func vocabulary() quicktest.Words {
	return quicktest.Words{
		Operands: []string{
			`1`, `0`, `-1`, `2.5`, `'a'`, `"text"`, `""`, `"a"`, `true`, `nil`, `root`, `value`, `words`, `root.Things`, `root.Mixed`, `root.List`,
			`root.Name`, `root.Port`, `root.Mark`, `root.Next`, `str`, `dict`, `numbers`, `anys`, `one`, `nothing`, `$`, `root.Any`, `root.Tags`,
		},
		Fields: []string{"Name", "Port", "Mark", "Marks", "Meta", "Mixed", "List", "Inner.Name", "Next", "Next.Name", "Things", "Hello", "Self", "Any", "Nil", "Pointer", "Odd.x", "Meta.a", "Deep"},
		Functions: append(slices.DeleteFunc(slices.Sorted(maps.Keys(functions())), func(name string) bool { return name == "many" || name == "huge" }),
			strings.Fields(strings.Repeat("print typed list print2 identity or and not len html ", 8)+
				"index slice eq ne lt le gt ge printf index slice eq lt either")...),
		Dot: "root",
	}
}
