// Package schedule decides when things are done: what every store that is
// watched, and the loop that uses the answers, need for that. It is pure: it
// starts no goroutine, reads no clock and waits for nothing. Whoever uses it
// passes the time in.
//
// [Timers] is a timer heap; [Backoff] the waits between attempts; [Breaker] a
// circuit breaker; [RetryAfter] and [ClassOf] read an error reply; [Wakeup] has
// a goroutine look again.
package schedule
