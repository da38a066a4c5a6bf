// Package nomad has the built program render from a real Nomad, and keep its files while
// that is killed, frozen, answers errors or refuses the token.
package nomad
