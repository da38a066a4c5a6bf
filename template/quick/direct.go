package quick

// direct compiles the call of a function of one of the usual types, without
// reflection.
func (at site) direct(f any) (e expr, ok bool) {
	for _, compile := range []func(site, any) (expr, bool){site.directText, site.directAny, site.directList, site.directVariadic} {
		if e, ok = compile(at, f); ok {
			return e, true
		}
	}
	return e, false
}

// directText compiles functions of text and numbers.
func (at site) directText(f any) (e expr, ok bool) {
	switch f := f.(type) {
	case func() string:
		return result(func(*state) string { return f() }), true
	case func(string) string:
		return call1(at, f), true
	case func(string) (string, error):
		return call1(at, must1(f)), true
	case func(string) (bool, error):
		return call1(at, must1(f)), true
	case func(string) (int64, error):
		return call1(at, must1(f)), true
	case func(string) (float64, error):
		return call1(at, must1(f)), true
	case func(string, string) string:
		return call2(at, f), true
	case func(string, string) (string, error):
		return call2(at, must2(f)), true
	case func(string, string) bool:
		return call2(at, f), true
	case func(string, string) (bool, error):
		return call2(at, must2(f)), true
	case func(string, string, string) string:
		return call3(at, f), true
	case func(string, string, string) (string, error):
		return call3(at, must3(f)), true
	case func(int, string) string:
		return call2(at, f), true
	case func(int, string) (string, error):
		return call2(at, must2(f)), true
	case func(int, int, string) string:
		return call3(at, f), true
	}
	return e, false
}

// directAny compiles functions of values of any type.
func (at site) directAny(f any) (e expr, ok bool) {
	switch f := f.(type) {
	case func(any) string:
		return call1(at, f), true
	case func(any) (string, error):
		return call1(at, must1(f)), true
	case func(any) bool:
		return call1(at, f), true
	case func(any) int:
		return call1(at, f), true
	case func(any) int64:
		return call1(at, f), true
	case func(any) float64:
		return call1(at, f), true
	case func(any) any:
		return call1(at, f), true
	case func(any) (any, error):
		return call1(at, must1(f)), true
	case func(any, any) any:
		return call2(at, f), true
	case func(any, any) (any, error):
		return call2(at, must2(f)), true
	case func(any, any) bool:
		return call2(at, f), true
	case func(any, any) (bool, error):
		return call2(at, must2(f)), true
	case func(any, any) int64:
		return call2(at, f), true
	case func(string, any) string:
		return call2(at, f), true
	case func(string, any) bool:
		return call2(at, f), true
	case func(any, any, bool) any:
		return call3(at, f), true
	}
	return e, false
}

// directList compiles functions that make lists and maps, or take them.
func (at site) directList(f any) (e expr, ok bool) {
	switch f := f.(type) {
	case func(string) (any, error):
		return call1(at, must1(f)), true
	case func(string) any:
		return call1(at, f), true
	case func(any) []any:
		return call1(at, f), true
	case func(any) []string:
		return call1(at, f), true
	case func(int) []int:
		return call1(at, f), true
	case func(string, string) []string:
		return call2(at, f), true
	case func(string, string) ([]string, error):
		return call2(at, must2(f)), true
	case func(string, []string) (string, error):
		return call2(at, must2(f)), true
	case func(any, any) []any:
		return call2(at, f), true
	case func(map[string]any, string) any:
		return call2(at, f), true
	case func(map[string]any, string) bool:
		return call2(at, f), true
	}
	return e, false
}

// directVariadic compiles functions of any number of arguments.
func (at site) directVariadic(f any) (e expr, ok bool) {
	switch f := f.(type) {
	case func(...any) string:
		return callAll(at, f), true
	case func(...any) (string, error):
		return callAll(at, mustAll(f)), true
	case func(...any) any:
		return callAll(at, f), true
	case func(...any) bool:
		return callAll(at, f), true
	case func(...any) int64:
		return callAll(at, f), true
	case func(...any) []any:
		return callAll(at, f), true
	case func(...any) map[string]any:
		return callAll(at, f), true
	case func(...string) (string, error):
		return callAll(at, mustAll(f)), true
	case func(...string) (any, error):
		return callAll(at, mustAll(f)), true
	case func(...map[string]any) []string:
		return callAll(at, f), true
	case func(string, ...any) (string, error):
		return callMore(at, mustMore(f)), true
	case func(any, ...any) any:
		return callMore(at, f), true
	case func(any, ...any) int64:
		return callMore(at, f), true
	case func(any, ...any) float64:
		return callMore(at, f), true
	}
	return e, false
}

func call1[A, R any](at site, f func(A) R) expr {
	a := param[A](at.args[0])
	return result(func(s *state) R { return f(a(s)) })
}

func call2[A, B, R any](at site, f func(A, B) R) expr {
	a, b := param[A](at.args[0]), param[B](at.args[1])
	if at.piped {
		return result(func(s *state) R {
			y := b(s)
			return f(a(s), y)
		})
	}
	return result(func(s *state) R { return f(a(s), b(s)) })
}

func call3[A, B, C, R any](at site, f func(A, B, C) R) expr {
	a, b, c := param[A](at.args[0]), param[B](at.args[1]), param[C](at.args[2])
	if at.piped {
		return result(func(s *state) R {
			z := c(s)
			return f(a(s), b(s), z)
		})
	}
	return result(func(s *state) R { return f(a(s), b(s), c(s)) })
}

// callAll compiles the call of a function that gets all arguments in a list,
// which is its own.
func callAll[A, R any](at site, f func(...A) R) expr {
	list := arguments[A](at.args, at.piped)
	return result(func(s *state) R { return f(list(s)...) })
}

// callMore compiles the call of a function that gets all arguments but the first
// in a list.
func callMore[A, B, R any](at site, f func(A, ...B) R) expr {
	a := param[A](at.args[0])
	if !at.piped || len(at.args) == 1 {
		list := arguments[B](at.args[1:], false)
		return result(func(s *state) R { return f(a(s), list(s)...) })
	}
	get := params[B](at.args[1:])
	last := len(get) - 1
	return result(func(s *state) R {
		list := make([]B, len(get))
		list[last] = get[last](s)
		first := a(s)
		for i, get := range get[:last] {
			list[i] = get(s)
		}
		return f(first, list...)
	})
}

// arguments returns how to get the list of all that args stand for. It is as
// long as it can be: templates can see that.
func arguments[A any](args []expr, piped bool) func(*state) []A {
	get := params[A](args)
	last := len(get) - 1
	return func(s *state) []A {
		list := make([]A, len(get))
		if piped {
			list[last] = get[last](s)
		}
		for i := range list {
			if i < last || !piped {
				list[i] = get[i](s)
			}
		}
		return list
	}
}

func params[A any](args []expr) []func(*state) A {
	get := make([]func(*state) A, len(args))
	for i, e := range args {
		get[i] = param[A](e)
	}
	return get
}

// must1 and the like give up where f fails.
func must1[A, R any](f func(A) (R, error)) func(A) R {
	return func(a A) R { return good(f(a)) }
}

func must2[A, B, R any](f func(A, B) (R, error)) func(A, B) R {
	return func(a A, b B) R { return good(f(a, b)) }
}

func must3[A, B, C, R any](f func(A, B, C) (R, error)) func(A, B, C) R {
	return func(a A, b B, c C) R { return good(f(a, b, c)) }
}

func mustAll[A, R any](f func(...A) (R, error)) func(...A) R {
	return func(list ...A) R { return good(f(list...)) }
}

func mustMore[A, B, R any](f func(A, ...B) (R, error)) func(A, ...B) R {
	return func(a A, list ...B) R { return good(f(a, list...)) }
}

func good[R any](result R, err error) R {
	if err != nil {
		giveUp()
	}
	return result
}
