package grammar

import "slices"

// prune removes what can never be completed, so that a mask never lets a model
// into a dead end: a node stays if from it the end of its rule can be reached.
func (b *Builder) prune(end *node) {
	alive := map[*node]bool{}
	before := map[*node][]*node{} // who may become alive when the key does
	for _, n := range b.all {
		for _, to := range n.eps {
			before[to] = append(before[to], n)
		}
		for _, e := range n.bytes {
			before[e.to] = append(before[e.to], n)
		}
		for _, e := range n.token {
			before[e.to] = append(before[e.to], n)
		}
		for _, e := range n.calls {
			before[e.to] = append(before[e.to], n)
			before[e.rule.start] = append(before[e.rule.start], n)
		}
	}
	work := []*node{end}
	for _, r := range b.rules {
		work = append(work, r.end)
	}
	for _, n := range work {
		alive[n] = true
	}
	for len(work) > 0 {
		n := work[len(work)-1]
		work = work[:len(work)-1]
		for _, p := range before[n] {
			if !alive[p] && p.reaches(alive) {
				alive[p] = true
				work = append(work, p)
			}
		}
	}
	for _, n := range b.all {
		n.eps = slices.DeleteFunc(n.eps, func(to *node) bool { return !alive[to] })
		n.bytes = slices.DeleteFunc(n.bytes, func(e byteEdge) bool { return !alive[e.to] })
		n.token = slices.DeleteFunc(n.token, func(e tokenEdge) bool { return !alive[e.to] })
		n.calls = slices.DeleteFunc(n.calls, func(e callEdge) bool { return !alive[e.to] || !alive[e.rule.start] })
	}
}

func (n *node) reaches(alive map[*node]bool) bool {
	return slices.ContainsFunc(n.eps, func(to *node) bool { return alive[to] }) ||
		slices.ContainsFunc(n.bytes, func(e byteEdge) bool { return alive[e.to] }) ||
		slices.ContainsFunc(n.token, func(e tokenEdge) bool { return alive[e.to] }) ||
		slices.ContainsFunc(n.calls, func(e callEdge) bool { return alive[e.to] && alive[e.rule.start] })
}
