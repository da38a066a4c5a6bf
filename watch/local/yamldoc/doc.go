// Package yamldoc decodes YAML files that people write: each error says where in the
// file something is wrong, and which name may be meant.
//
// [Read] returns the nodes of a file, without aliases and merge keys. A [Decoder]
// takes values out of them.
package yamldoc
