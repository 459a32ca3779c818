package native

import (
	"testing"
	"time"
)

// bets of one answer whose guesses are right so often.
func betsOf(chance float64, n int) (out []bet) {
	c := 1.0
	for range n {
		c *= chance
		out = append(out, bet{chance: c})
	}
	return out
}

// drive lets p choose among bets for so many passes that cost what they do, and returns what it chooses then.
func drive(p *pace, rows int, bets []bet, passes int, cost func(rows int) time.Duration) int {
	for range passes {
		r := rows + p.worth(rows, bets)
		p.learn(r, cost(r))
	}
	return p.worth(rows, bets)
}

func TestPace(t *testing.T) {
	memory := func(rows int) time.Duration { return 3*time.Millisecond + time.Duration(rows)*10*time.Microsecond }
	arithmetic := func(rows int) time.Duration { return time.Duration(rows) * time.Millisecond }
	fours := func(rows int) time.Duration { return time.Duration((rows+3)/4) * time.Millisecond } // four rows as one
	for _, c := range []struct {
		name     string
		rows     int
		chance   float64
		cost     func(int) time.Duration
		from, to int
	}{
		{"rows are free", 1, 0.9, memory, 12, 15},
		{"rows are free, and guesses poor", 1, 0.3, memory, 1, 5},
		{"each row costs the same", 1, 0.9, arithmetic, 0, 0},
		{"four cost as one", 1, 0.9, fours, 3, 3},
		{"four cost as one, beside three", 3, 0.9, fours, 1, 1},
		{"full", mostRows, 0.9, memory, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if n := drive(&pace{}, c.rows, betsOf(c.chance, 15), 200, c.cost); n < c.from || n > c.to {
				t.Errorf("%d guesses, want %d to %d", n, c.from, c.to)
			}
		})
	}
}

// A machine that becomes slower or faster as a whole changes nothing, one that had a bad day is tried again.
func TestPaceForgets(t *testing.T) {
	fours := func(rows int) time.Duration { return time.Duration((rows+3)/4) * time.Millisecond }
	p := &pace{}
	bets := betsOf(0.9, 15)
	drive(p, 1, bets, 200, fours)
	if n := drive(p, 1, bets, 20, func(rows int) time.Duration { return 3 * fours(rows) }); n != 3 {
		t.Errorf("%d guesses when all is slower, want 3", n)
	}
	arithmetic := func(rows int) time.Duration { return time.Duration(rows) * time.Millisecond }
	if n := drive(p, 1, bets, 200, arithmetic); n != 0 {
		t.Errorf("%d guesses when each row costs the same, want 0", n)
	}
	if n := drive(p, 1, bets, 16*tryEach, fours); n != 3 {
		t.Errorf("%d guesses long after, want 3", n)
	}
	p.learn(0, time.Second)
	p.learn(mostRows+1, time.Second)
	p.learn(1, -time.Second)
	if n := p.worth(1, bets); n != 3 {
		t.Errorf("%d guesses after passes that teach nothing, want 3", n)
	}
}

// A pass that was interrupted, and the first of a kind, say little of those that come.
func TestPaceOutliers(t *testing.T) {
	p := &pace{}
	p.learn(4, time.Second)
	for range 20 {
		p.learn(4, time.Millisecond)
	}
	if s, known := p.expected(4); !known || s != 0.001 {
		t.Errorf("%v seconds, known %v", s, known)
	}
	p.learn(4, time.Second)
	if s, _ := p.expected(4); s > 0.0012 {
		t.Errorf("%v seconds after one that was interrupted", s)
	}
}

// Now and then a pass does without guesses, however good they seem.
func TestPacePlain(t *testing.T) {
	p, plain := &pace{}, 0
	for range 3 {
		p.learn(1, time.Millisecond)
	}
	for range 10 * plainEach {
		n := p.worth(1, betsOf(1, 15))
		if n == 0 {
			plain++
		}
		p.learn(1+n, time.Millisecond)
	}
	if plain < 7 || plain > 12 {
		t.Errorf("%d of %d passes without guesses", plain, 10*plainEach)
	}
}

// Before a pass without guesses was measured there is nothing to compare one with.
func TestPaceNeedsPlain(t *testing.T) {
	p := &pace{}
	for range 3 {
		p.learn(8, time.Millisecond)
	}
	if n := p.worth(2, betsOf(1, 15)); n != 0 {
		t.Errorf("%d guesses beside two rows, whose time is not known", n)
	}
}
