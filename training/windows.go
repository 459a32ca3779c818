package training

// windows says which examples each step is about. It is worked out anew from the seed
// and the step, so there is no position to lose.
type windows struct {
	fixed  [][]int // the examples of each step, in one epoch; nil: drawn
	sizes  []int   // tokens of each example
	seed   uint64
	batch  int // examples of a step, when tokens is 0
	tokens int // of a step

	epoch       int   // that order and ends belong to; -1: none
	order, ends []int // examples of the epoch, and where in them each step ends
}

// window is the examples of one step.
type window struct {
	examples []int
	epoch    int     // from 0
	done     float64 // epochs that are done after it
	last     bool    // of its epoch
}

// load works out an epoch. Its order is drawn from the seed and its number.
func (w *windows) load(epoch int) {
	if w.epoch == epoch {
		return
	}
	w.epoch, w.order, w.ends = epoch, nil, nil
	if w.fixed != nil {
		for _, examples := range w.fixed {
			w.order = append(w.order, examples...)
			w.ends = append(w.ends, len(w.order))
		}
		return
	}
	w.order = permutation(len(w.sizes), keyOf(w.seed, "shuffle", uint64(epoch)))
	tokens, first := 0, 0
	for i, e := range w.order {
		tokens += w.sizes[e]
		full := i+1-first == w.batch
		if w.tokens > 0 { // the next one would be too much
			full = i+1 < len(w.order) && tokens+w.sizes[w.order[i+1]] > w.tokens
		}
		if full || i+1 == len(w.order) { // the last window may be smaller
			w.ends = append(w.ends, i+1)
			tokens, first = 0, i+1
		}
	}
}

// steps is how many steps so many epochs have.
func (w *windows) steps(epochs int) (n int) {
	if w.fixed != nil {
		return len(w.fixed)
	}
	for e := range epochs {
		w.load(e)
		n += len(w.ends)
	}
	return n
}

// at finds the window of a step.
func (w *windows) at(step int) window {
	epoch := 0
	for w.load(0); step >= len(w.ends); w.load(epoch) {
		step -= len(w.ends)
		epoch++
	}
	first, end := 0, w.ends[step]
	if step > 0 {
		first = w.ends[step-1]
	}
	return window{
		examples: w.order[first:end], epoch: epoch, last: step == len(w.ends)-1,
		done: float64(epoch) + float64(end)/float64(len(w.order)),
	}
}
