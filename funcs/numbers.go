package funcs

import (
	"fmt"
	"strconv"
	"text/template"
)

// numberFuncs returns the functions that read numbers and booleans from text
// (COMPAT 3.9). Empty text, which is what a key gives that has not arrived
// yet, is zero to all of them.
func numberFuncs() template.FuncMap {
	return template.FuncMap{
		"parseBool":  parseBool,
		"parseFloat": parseFloat,
		"parseInt":   parseInt,
		"parseUint":  parseUint,
	}
}

// parseBool reads 1, t, T, TRUE, true, True and their opposites.
func parseBool(s string) (bool, error) {
	if s == "" {
		return false, nil
	}
	v, err := strconv.ParseBool(s)
	if err != nil {
		return false, fmt.Errorf("parseBool: %w", err)
	}
	return v, nil
}

// parseFloat reads a floating-point number of 64 bits.
func parseFloat(s string) (float64, error) {
	if s == "" {
		return 0, nil
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, fmt.Errorf("parseFloat: %w", err)
	}
	return v, nil
}

// parseInt reads a decimal integer of 64 bits.
func parseInt(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("parseInt: %w", err)
	}
	return v, nil
}

// parseUint reads a decimal integer of 64 bits without a sign.
func parseUint(s string) (uint64, error) {
	if s == "" {
		return 0, nil
	}
	v, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("parseUint: %w", err)
	}
	return v, nil
}
