// Package status is the state of a runner, made from its events alone: what each
// bundle, template, query and store is doing, since when and why, and what the
// last changes were.
//
// A [Model] takes in each event ([Model.Apply]), which costs little, and returns a
// copy of the whole for whoever looks ([Model.Snapshot]). The commands, the page,
// the metrics and /v1 are views of such a [Status]; its JSON is documented in
// docs/status.md and stable. What a source alone knows, such as how it keeps a
// query current, is added when somebody looks (watch.Inspection).
//
// No value that a store answered is in the model: only what was asked, when there
// was an answer, and how large it is.
package status
