package native

import (
	"errors"
	"fmt"
	"slices"
)

// check verifies everything that must hold between calls, given the tables of
// all sequences.
func (b *blocks) check(tables []*table) error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	refs := make([]int, len(b.meta))
	for _, t := range tables {
		for _, i := range t.blocks {
			refs[i]++
		}
		if t.done > len(t.blocks) {
			fail("a table of %d blocks has %d in the tree", len(t.blocks), t.done)
		}
	}
	free := make([]bool, len(b.meta))
	for _, i := range b.free {
		if free[i] {
			fail("block %d is free twice", i)
		}
		free[i] = true
	}
	idle := 0
	age := map[uint64]int{} // node of an idle block -> its place
	for i := b.oldest; i >= 0; i = b.meta[i].next {
		idle++
		if idle > len(b.meta) {
			fail("the idle blocks form a ring")
			break
		}
		m := &b.meta[i]
		if m.refs != 0 || m.node == 0 || free[i] {
			fail("block %d is idle with %d refs, node %d, free %v", i, m.refs, m.node, free[i])
		}
		age[m.node] = idle
		if at, ok := age[m.at.parent]; ok && at < idle {
			fail("block %d would be evicted after its parent", i)
		}
	}
	if idle != b.idle {
		fail("%d idle blocks are counted as %d", idle, b.idle)
	}
	nodes := map[uint64]bool{}
	for _, root := range b.roots {
		nodes[root] = true
	}
	indexed, below, lent := 0, 0, 0
	for i := range b.meta {
		m := &b.meta[i]
		if m.refs != refs[i] {
			fail("block %d has %d refs, but %d tables hold it", i, m.refs, refs[i])
		}
		if (free[i] || m.lent) && (m.refs != 0 || m.node != 0) || free[i] && m.lent {
			fail("block %d is free %v, lent %v, with %d refs and node %d", i, free[i], m.lent, m.refs, m.node)
		}
		if m.lent {
			lent++
		}
		if m.node != 0 {
			indexed++
			nodes[m.node] = true
			if b.index[m.at] != int32(i) || len(m.ids) == 0 || len(m.ids) > b.size {
				fail("block %d is not where the index says, or has %d tokens", i, len(m.ids))
			}
			if len(m.ids) < b.size && (m.refs > 0 || len(b.below[m.node]) > 0) {
				fail("block %d of %d tokens has %d refs, and %v follow it", i, len(m.ids), m.refs, b.below[m.node])
			}
			below++
			if !slices.Contains(b.below[m.at.parent], int32(i)) {
				fail("block %d is not among those that follow its parent", i)
			}
		} else if m.refs == 0 && !free[i] && !m.lent {
			fail("block %d is lost", i)
		}
	}
	if indexed != len(b.index) {
		fail("%d blocks in the tree, %d in the index", indexed, len(b.index))
	}
	for _, all := range b.below {
		below -= len(all)
	}
	if below != 0 {
		fail("%d blocks follow nobody, or two, or were evicted", below)
	}
	if lent != b.lent {
		fail("%d blocks are lent, counted as %d", lent, b.lent)
	}
	for at, i := range b.index {
		if !nodes[at.parent] {
			fail("block %d cannot be reached: its parent is gone", i)
		}
	}
	return errors.Join(errs...)
}
