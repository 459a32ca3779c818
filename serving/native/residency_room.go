package native

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"graft/internal/model"
	"graft/serving"
)

// What follows decides who comes and who goes. All of it is called with r.mu held.

// serve works for the queue, in turn, as far as there is room.
func (r *residency) serve() {
	if r.draining {
		return
	}
	for len(r.queue) > 0 && r.serveFirst(r.queue[0]) {
		close(r.queue[0].served)
		r.queue = r.queue[1:]
		for _, x := range r.all { // the next one closes what it needs
			x.closing = false
		}
	}
	if len(r.queue) > 0 {
		return // keeps the spare blocks
	}
	for _, x := range r.all { // also when the one they were closed for has left
		x.closing = false
	}
	r.returnSpare()
}

// serveFirst leases what c wants, starting loads where there is room for them. It
// returns false while c has to wait.
func (r *residency) serveFirst(c *claim) bool {
	need := 0
	for i, g := range c.generations {
		switch x := r.open[g]; {
		case c.have[i] != nil:
		case x != nil:
			x.closing = false // it was for somebody who has left
			c.have[i] = r.hold(x)
		default:
			need += c.blocks[i]
		}
	}
	if pinned := r.pinnedBlocks(c); need > 0 && need+pinned > r.env.budget {
		c.err = fmt.Errorf("%w: there are %s for all adapters, of which those that are pinned or asked for beside it take %s, and %s would take %s: unpin one, or raise adapters.memory",
			serving.ErrAdapter, r.megabytes(r.env.budget), r.megabytes(pinned), named(c.generations), r.megabytes(need))
		r.letGo(c)
		return true
	}
	if need > 0 && !r.makeRoom(need) {
		return false
	}
	for i, g := range c.generations {
		if c.have[i] == nil {
			c.have[i] = r.hold(r.start(g, c.blocks[i]))
		}
	}
	return true
}

// pinnedBlocks are those that c cannot have whatever happens: of pinned residents,
// and of those that it holds itself.
func (r *residency) pinnedBlocks(c *claim) int {
	n := 0
	for _, x := range r.all {
		if slices.Contains(c.have, x) || !x.leaving && r.env.pinned(x.generation) {
			n += x.blocks
		}
	}
	return n
}

// makeRoom tells whether there is room for n blocks, after evicting residents that
// nobody uses. If there is not, it closes so many others that there will be.
func (r *residency) makeRoom(n int) bool {
	free := func() int { return r.env.budget - r.used - r.coming }
	if n <= free() {
		return true
	}
	short := n - free() - r.coming // those on their way will be here at once
	own := r.queue[0].have
	candidates := slices.SortedStableFunc(slices.Values(r.all), func(a, b *resident) int {
		return cmp.Or(cmp.Compare(order(a), order(b)), a.used.Compare(b.used))
	})
	leaving := 0
	for _, x := range candidates {
		switch {
		case short <= 0:
		case x.leaving:
			leaving += x.blocks
		case slices.Contains(own, x) || !x.closing && r.env.pinned(x.generation):
		case x.leases == 0 && x.loaded():
			r.stats.Evictions++
			short -= x.blocks
			r.close(x)
		case x.closing || leaving < short:
			x.closing = true
			leaving += x.blocks
		}
	}
	return n <= free()
}

// order is who goes first: those that are about to, those that nobody uses, the rest.
func order(x *resident) int {
	switch {
	case x.leaving:
		return 0
	case x.leases == 0:
		return 1
	case x.closing:
		return 2
	}
	return 3
}

func (x *resident) loaded() bool { return x.adapter != nil }

// start loads an adapter, for which there is room.
func (r *residency) start(generation string, blocks int) *resident {
	x := &resident{generation: generation, blocks: blocks, ready: make(chan struct{}), gone: make(chan struct{})}
	r.open[generation] = x
	r.all = append(r.all, x)
	r.used += blocks
	k := min(blocks, len(r.spare))
	x.lent = slices.Clone(r.spare[:k])
	r.spare = r.spare[k:]
	r.wg.Go(func() { r.bring(x, blocks-k) })
	return x
}

// bring takes the blocks that x lacks, and loads it. It runs on its own goroutine,
// without r.mu.
func (r *residency) bring(x *resident, lacks int) {
	var lent []int32
	var a *model.Adapter
	err := guarded(func() (err error) {
		if lacks > 0 {
			if lent, err = r.env.lend(r.ctx, lacks); err != nil {
				return err
			}
			r.env.free(lent)
		}
		a, err = r.env.load(r.ctx, x.generation)
		return err
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	x.lent = append(x.lent, lent...)
	if err == nil {
		err = r.fits(a, x)
	}
	switch {
	case err == nil:
		r.settleAt(x, a)
	case errors.Is(err, errLarger):
		x.err = err
	case r.ctx.Err() != nil:
		x.err = serving.ErrDraining
	default:
		x.err = unusable(x.generation, err)
		r.stats.Failures++
	}
	close(x.ready)
	if x.err != nil || x.leaving {
		r.close(x)
	}
	r.serve()
}

// errLarger is the error of a load for which not enough room was made. Its size is
// known from then on.
var errLarger = fmt.Errorf("%w: it is larger in memory each time it is loaded", serving.ErrAdapter)

// fits compares what was loaded with the room that was made for it.
func (r *residency) fits(a *model.Adapter, x *resident) error {
	if a == nil {
		return errors.New("nothing was loaded")
	}
	if len(r.sizes) >= maxSizes {
		clear(r.sizes)
	}
	r.sizes[x.generation] = a.Bytes
	if r.blocksOf(a.Bytes) > x.blocks {
		return errLarger
	}
	return nil
}

// maxSizes bounds residency.sizes.
const maxSizes = 10_000

// settleAt makes a the adapter of x. What was announced too much is given back.
func (r *residency) settleAt(x *resident, a *model.Adapter) {
	x.adapter = a
	n := r.blocksOf(a.Bytes)
	r.used -= x.blocks - n
	r.spare = append(r.spare, x.lent[n:]...)
	x.lent, x.blocks = x.lent[:n:n], n
	r.stats.Loads++
	r.stats.Resident++
	r.stats.Bytes += a.Bytes
}

// close lets nobody in any more. x leaves when nobody uses it.
func (r *residency) close(x *resident) {
	if r.open[x.generation] == x {
		delete(r.open, x.generation)
	}
	x.leaving = true
	if x.leases == 0 && (x.loaded() || x.err != nil) {
		r.leave(x)
	}
}

// leave takes x out; its blocks are spare.
func (r *residency) leave(x *resident) {
	select {
	case <-x.ready:
	default:
		return // it is still loading: bring will see to it
	}
	r.all = slices.DeleteFunc(r.all, func(y *resident) bool { return y == x })
	r.used -= x.blocks
	r.spare = append(r.spare, x.lent...)
	if x.loaded() {
		r.stats.Resident--
		r.stats.Bytes -= x.adapter.Bytes
	}
	x.lent, x.adapter = nil, nil
	close(x.gone)
}

// returnSpare gives the spare blocks back to the engine. Until it has taken them,
// they count as in use.
func (r *residency) returnSpare() {
	if len(r.spare) == 0 {
		return
	}
	blocks := r.spare
	r.spare = nil
	r.coming += len(blocks)
	r.wg.Go(func() {
		r.env.giveBack(blocks)
		r.mu.Lock()
		r.coming -= len(blocks)
		r.serve()
		r.mu.Unlock()
	})
}
