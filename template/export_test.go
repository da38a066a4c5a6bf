package template

// Slow has text/template alone execute t from now on.
func (t *Template) Slow() { t.fast = nil }

// Fast tells whether t has a program that has done so far.
func (t *Template) Fast() bool { return t.fast != nil }
