// Package hcl1 parses configuration files in HCL 1 or its JSON form into a tree of
// values with their positions.
//
// The grammar is that of hashicorp/hcl, version 1. That library stops at the first error,
// and says little of it; errors that people make are found and explained here.
package hcl1
