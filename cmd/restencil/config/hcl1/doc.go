// Package hcl1 parses configuration files in HCL 1 or its JSON form into a tree of
// values with their positions.
//
// hcl/v2 splits a file into tokens; text that only HCL 2 would interpret is hidden from
// it. Its grammar does not fit: HCL 1 allows a key twice, several settings on one line,
// and an object in place of a block. parser.object implements the grammar of HCL 1.
package hcl1
