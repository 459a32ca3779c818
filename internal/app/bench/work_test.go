package bench

import "testing"

// TestContext counts by hand: one layer sees all, one the last four tokens.
func TestContext(t *testing.T) {
	w := Work{KVBytes: 10, AttendOps: 3, Windows: []int{0, 4}}
	for position, tokens := range map[int]int64{0: 1 + 1, 3: 4 + 4, 4: 5 + 4, 9: 10 + 4} {
		if got := w.ContextBytes(position); got != 10*tokens {
			t.Errorf("token at position %d reads %d bytes of %d tokens, want %d tokens", position, got, got/10, tokens)
		}
	}
	if got := w.ContextOps(2, 5); got != 3*(3+4+5) {
		t.Errorf("attention of the tokens 2 to 4: %d operations", got)
	}
	if got := w.ContextOps(5, 5); got != 0 {
		t.Errorf("attention of no token: %d operations", got)
	}
}
