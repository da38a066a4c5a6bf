// Package nomad has the built program render from a real Nomad, and keep its files while
// that is killed, loses its leader, is frozen or cut off, answers errors or refuses the token.
package nomad
