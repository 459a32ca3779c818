package native

import (
	"math/bits"
	"time"
)

// mostRows is how many rows a pass may have in which there are guesses.
const mostRows = 16

// pace learns how long passes of few rows take, since that is what guesses cost:
// where memory holds one row up a few more are nearly free, where arithmetic does
// each costs as much as the first. It depends on the processor, the model, its format
// and the neighbours, so it is measured as passes go by.
type pace struct {
	took   [mostRows + 1]float64 // seconds of a pass of so many rows, lately
	seen   [mostRows + 1]int     // such passes
	passes int                   // all of them
	asked  int                   // times that there were guesses
}

const (
	// rowGuess is what one row more costs, in parts of a pass, before it is known: little, or it
	// would never be tried.
	rowGuess = 1.0 / 16
	// paceStep is what the latest pass counts.
	paceStep = 1.0 / 8
	// plainEach is after how many passes with guesses one does without, and tryEach after how many
	// others are tried than seem best: what was measured in a bad moment does not last.
	plainEach, tryEach = 64, 256
	// gainLeast is by how much guesses must promise to speed a pass up.
	gainLeast = 1.05
)

// likeTwo is the power of two that is not below n: kernels take so many rows at once, so others are
// expected to cost as much.
func likeTwo(n int) int { return 1 << bits.Len(uint(n-1)) }

// learn takes how long a pass of so many rows took.
func (p *pace) learn(rows int, took time.Duration) {
	if rows < 1 || rows > mostRows || took <= 0 {
		return
	}
	s, t := took.Seconds(), &p.took[rows]
	p.passes++
	p.seen[rows]++
	switch n := p.seen[rows]; {
	case n == 1: // it meets cold caches
	case n == 2:
		*t = s
	default: // one that took far longer was interrupted
		*t += (min(s, 2**t) - *t) * max(paceStep, 1/float64(n-1))
	}
}

// expected is how long a pass of so many rows will take: as the largest one that is known and has no more
// rows, and a little for each row more. Without one it is in a unit of its own.
func (p *pace) expected(rows int) (seconds float64, known bool) {
	for n := rows; n > 0; n-- {
		if p.seen[n] > 1 {
			return p.took[n] * (1 + rowGuess*float64(rows-n)), true
		}
	}
	return 1 + rowGuess*float64(rows-1), false
}

// worth is how many of the bets, in this order, to take beside so many rows that are certain: as
// many as give most tokens a second.
func (p *pace) worth(rows int, bets []bet) int {
	bets = bets[:max(0, min(len(bets), mostRows-rows))]
	if len(bets) == 0 {
		return 0
	}
	plain, known := p.expected(rows)
	if !known && p.passes > 0 { // a machine whose clock stands still never knows
		return 0
	}
	p.asked++
	best, most := 0, gainLeast*float64(rows)/plain
	turn, tokens := p.asked/tryEach, float64(rows)
	for i, b := range bets {
		tokens += b.chance
		n := rows + i + 1
		if n != likeTwo(n) && i+1 < len(bets) {
			continue
		}
		if p.asked%tryEach == 0 && turn%2 == 1 { // this number, or one of those that follow, which cost more and are tried half as often
			return i + 1
		}
		turn /= 2
		if seconds, _ := p.expected(likeTwo(n)); tokens/seconds > most {
			best, most = i+1, tokens/seconds
		}
	}
	if p.asked%plainEach == 0 {
		return 0
	}
	return best
}
