package runner

import "slices"

// keeping returns templates with their Keepers: a template's own destination,
// or those of all members of its named bundle. Members that ask for the same
// certificate ask one question so, and get the certificate, its key and its CA
// of one issue.
func keeping(templates []Template) []Template {
	of := make(map[string][]string) // by bundle
	for _, t := range templates {
		if t.Bundle != "" && t.Destination != "" {
			of[t.Bundle] = append(of[t.Bundle], t.Destination)
		}
	}
	for name, files := range of {
		slices.Sort(files)
		of[name] = slices.Compact(files)
	}
	templates = slices.Clone(templates)
	for i, t := range templates {
		switch {
		case t.Bundle != "":
			templates[i].Keepers = of[t.Bundle]
		case t.Destination != "":
			templates[i].Keepers = []string{t.Destination}
		}
	}
	return templates
}
