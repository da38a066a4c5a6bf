package funcs

import (
	"fmt"
	"text/template"
)

// environFuncs returns the functions that read environment variables
// (COMPAT 3.9).
func (e *Env) environFuncs() template.FuncMap {
	return template.FuncMap{
		"env":          e.env,
		"envOrDefault": e.envOrDefault,
		"mustEnv":      e.mustEnv,
	}
}

// env returns a variable, empty where it is not set.
func (e *Env) env(name string) string {
	value, _ := e.LookupEnv(name)
	return value
}

// mustEnv returns a variable, and fails where it is not set or empty.
func (e *Env) mustEnv(name string) (string, error) {
	value, _ := e.LookupEnv(name)
	if value == "" {
		return "", fmt.Errorf("required environment variable %s is empty", name)
	}
	return value, nil
}

// envOrDefault returns a variable, be it empty, or fallback where it is not
// set.
func (e *Env) envOrDefault(name, fallback string) string {
	if value, ok := e.LookupEnv(name); ok {
		return value
	}
	return fallback
}
