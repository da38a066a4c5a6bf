package process

import (
	"fmt"
	"slices"
	"strings"
)

// largestEnvironment is how much Linux takes as the environment of a process where the
// stack may have 8 MiB, the default, less what is left for the arguments.
const largestEnvironment = 2<<20 - 192<<10

// CheckEnvironment returns an error unless a process can have the environment env, and
// which of these variables is the largest then.
func CheckEnvironment(env, names []string) (largest string, err error) {
	sizes, total := make(map[string]int), 0
	for _, entry := range env { // the last of a name counts
		name, _, _ := strings.Cut(entry, "=")
		total += len(entry) + 9 - sizes[name] // with a zero byte and a pointer
		sizes[name] = len(entry) + 9
	}
	if total <= largestEnvironment {
		return "", nil
	}
	names = slices.Clone(names)
	slices.SortStableFunc(names, func(a, b string) int { return sizes[b] - sizes[a] })
	var texts []string
	for _, name := range names[:min(3, len(names))] {
		texts = append(texts, fmt.Sprintf("%s has %d KiB", name, sizes[name]>>10))
	}
	return names[0], fmt.Errorf("the environment of the program would have %d KiB, and Linux takes %d KiB (%s)",
		total>>10, largestEnvironment>>10, strings.Join(texts, ", "))
}
