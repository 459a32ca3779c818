package native

import (
	"slices"

	"graft/serving"
)

// Answers often repeat what was there before: a name from the prompt, the form of
// the last answer, a text that is to be changed in few places. A drafter guesses
// the next tokens by looking for an earlier place that ends like the answer so far and
// taking what followed there (prompt lookup decoding, Saxena 2023). A pass
// then computes guesses as further rows, and what is sampled of each row
// decides whether the row after it counts (speculative decoding, Leviathan et al.
// 2023). Rows do not depend on which rows are in a pass with them, so answers
// are the same to the last bit, whatever was guessed; only their speed differs.

const (
	leastMatch = 2     // tokens that must agree before a place
	mostMatch  = 8     // more than that is no better
	mostLookup = 16384 // tokens of a text that are looked through, from its end
	mostDraft  = 15    // guesses for one answer
)

// noToken separates texts; it is in no answer.
const noToken = -1

// drafter makes the guesses for one answer.
type drafter struct {
	predicted []int32 // what the request says the answer will be like, after the end of the prompt
	reached   int     // the place in it up to which the answer seems to be
	past      *past   // answers before; never nil
	ends      []int32 // tokens that are no use to guess

	draft    []int32 // the latest guesses
	match    int     // tokens that agreed before them
	hinted   bool    // they are from predicted
	computed int     // of draft, in the current pass

	accepted, missed int // guesses from predicted that were computed: right, and wrong
}

// none forgets the latest guesses.
func (d *drafter) none() { d.draft, d.match, d.hinted, d.computed = d.draft[:0], 0, false, 0 }

// propose guesses at most n tokens that follow ids.
func (d *drafter) propose(ids []int32, n int) {
	d.none()
	n = max(0, min(n, mostDraft))
	look := func(text []int32, at, match int) (better bool) {
		if match < leastMatch || match <= d.match {
			return false
		}
		found := text[at:min(at+n, len(text))]
		if i := slices.IndexFunc(found, func(id int32) bool { return id == noToken || slices.Contains(d.ends, id) }); i >= 0 {
			found = found[:i]
		}
		if len(found) == 0 {
			return false
		}
		d.draft, d.match = append(d.draft[:0], found...), match
		return true
	}
	at, match := nextMatch(d.predicted, ids, d.reached)
	if d.hinted = look(d.predicted, at, match); d.hinted {
		d.reached = at
	}
	for _, text := range [][]int32{ids, d.past.text} {
		if at, match := lastMatch(text, ids); look(text, at, match) {
			d.hinted = false
		}
	}
}

// lastMatch finds the place in text before which most tokens are as at the end of
// ids, the last of several, and how many they are. There is a token at that place.
func lastMatch(text, ids []int32) (at, match int) {
	for i := len(text) - 1; i > 0 && i > len(text)-mostLookup && match < mostMatch; i-- {
		if n := matchAt(text, i, ids); n > match {
			at, match = i, n
		}
	}
	return at, match
}

// nextMatch is lastMatch with the first of several places from reached on, if there are any: an answer follows
// its prediction from the beginning to the end, and lines of it may be alike.
func nextMatch(text, ids []int32, reached int) (at, match int) {
	for k := range text {
		i := (reached + k) % len(text)
		if n := matchAt(text, i, ids); n > match {
			at, match = i, n
		}
		if match == mostMatch {
			break
		}
	}
	return at, match
}

// matchAt is how many tokens before place i of text are as at the end of ids.
func matchAt(text []int32, i int, ids []int32) int {
	n := 0
	for n < min(mostMatch, i, len(ids)) && text[i-1-n] == ids[len(ids)-1-n] {
		n++
	}
	return n
}

// chance is how probable it is that guess i is right when those before it are.
func (d *drafter) chance(i int) float64 { return d.past.rates[rateOf(d.match+i)] }

// learn takes the tokens that one pass has sampled: the first in any case, and one more for each
// guess that was computed and right.
func (d *drafter) learn(sampled []serving.TokenLogprob) {
	for i := range min(len(d.draft), len(sampled)) { // the first one is known to be right or wrong even if it was not computed
		d.past.learn(d.match+i, d.draft[i] == sampled[i].ID)
	}
	if d.hinted {
		d.missed += d.computed - max(len(sampled)-1, 0)
	}
}

// accept counts a guess that was right and became part of the answer: a stop string may come before others.
func (d *drafter) accept() {
	if d.hinted {
		d.accepted++
	}
}

// past is what is remembered of the answers of one owner, by one model and set of
// adapters: tokens of one owner are of no use to others, who could otherwise learn from
// the time an answer takes what somebody else's was.
type past struct {
	text  []int32    // the latest answers, each after the end of its prompt
	rates [4]float64 // how often guesses were right, by the length of the match
	used  int64      // when, counted in answers
}

const (
	mostPast  = 4096 // tokens
	mostPasts = 256
	rateStep  = 1.0 / 16 // what one guess counts in a rate
)

// firstRates are assumed until there is more to go by.
var firstRates = [4]float64{0.3, 0.5, 0.65, 0.8}

func rateOf(match int) int {
	switch {
	case match <= 2:
		return 0
	case match == 3:
		return 1
	case match <= 5:
		return 2
	}
	return 3
}

func (p *past) learn(match int, hit bool) {
	r := &p.rates[rateOf(match)]
	if hit {
		*r += (1 - *r) * rateStep
	} else {
		*r -= *r * rateStep
	}
}

// add remembers an answer: ids from the prompt-th on.
func (p *past) add(ids []int32, prompt int) {
	ids = ids[max(0, prompt-mostMatch):]
	if len(ids) >= mostPast/2 {
		ids = ids[:mostPast/2]
	}
	if over := len(p.text) + len(ids) + 1 - mostPast; over > 0 {
		p.text = slices.Delete(p.text, 0, min(len(p.text), max(over, mostPast/2)))
	}
	p.text = append(append(p.text, ids...), noToken)
}

// pasts are those of an engine, the least recently used of which are forgotten.
type pasts struct {
	of   map[pastKey]*past
	uses int64
}

type pastKey struct{ owner, key string }

func (p *pasts) get(owner, key string) *past {
	at := pastKey{owner, key}
	x, ok := p.of[at]
	if !ok {
		if p.of == nil {
			p.of = map[pastKey]*past{}
		}
		if len(p.of) >= mostPasts {
			p.forget()
		}
		x = &past{rates: firstRates}
		p.of[at] = x
	}
	p.uses++
	x.used = p.uses
	return x
}

func (p *pasts) forget() {
	var oldest pastKey
	least := int64(-1)
	for at, x := range p.of {
		if least < 0 || x.used < least {
			oldest, least = at, x.used
		}
	}
	delete(p.of, oldest)
}
