package grammar

import (
	"fmt"
	"slices"
	"sort"
)

// maxNodes bounds the size of one grammar; a schema that needs more is refused.
const maxNodes = 400_000

// byteSet is a set of byte values.
type byteSet [4]uint64

func (s *byteSet) add(b byte)      { s[b>>6] |= 1 << (b & 63) }
func (s *byteSet) has(b byte) bool { return s[b>>6]>>(b&63)&1 != 0 }
func (s *byteSet) addRange(lo, hi byte) {
	for b := int(lo); b <= int(hi); b++ {
		s.add(byte(b))
	}
}
func (s *byteSet) empty() bool { return s[0]|s[1]|s[2]|s[3] == 0 }

// node is one point of the graph. Leaving it costs nothing (eps), one byte of a
// set, one control token, or a whole rule (call).
type node struct {
	id    int32
	eps   []*node
	bytes []byteEdge
	token []tokenEdge
	calls []callEdge
	ends  bool // the end of a rule: reaching it returns to the caller
}

type byteEdge struct {
	set byteSet
	to  *node
}

type tokenEdge struct {
	id int32
	to *node
}

type callEdge struct {
	rule *rule
	to   *node
}

// rule is a part of the graph that others can call; calls may be recursive.
type rule struct {
	name       string
	start, end *node
}

// frag is a piece of graph under construction.
type frag struct{ in, out *node }

// Builder makes the graph of one grammar. Its methods record the first error.
type Builder struct {
	all     []*node
	err     error
	control map[string]int32 // text of control tokens
	rules   []*rule
	value   *rule // any JSON value, made on demand
	object  *rule
	array   *rule
	str     *rule
	number  *rule
	ws      *rule
}

func (b *Builder) fail(format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf(format, args...)
	}
}

func (b *Builder) node() *node {
	if len(b.all) >= maxNodes {
		b.fail("the schema is too large: it needs more than %d states; lower maxItems, maxLength or repeat counts", maxNodes)
		// Construction goes on until the caller looks at err; this graph is never used.
		return &node{}
	}
	n := &node{id: int32(len(b.all) + 1)}
	b.all = append(b.all, n)
	return n
}

func (b *Builder) newRule(name string) *rule {
	r := &rule{name: name, start: b.node(), end: b.node()}
	r.end.ends = true
	b.rules = append(b.rules, r)
	return r
}

// define makes r match f.
func (r *rule) define(f frag) {
	r.start.eps = append(r.start.eps, f.in)
	f.out.eps = append(f.out.eps, r.end)
}

func (b *Builder) empty() frag {
	n := b.node()
	return frag{n, n}
}

func (b *Builder) set(s byteSet) frag {
	in, out := b.node(), b.node()
	if !s.empty() {
		in.bytes = append(in.bytes, byteEdge{s, out})
	}
	return frag{in, out}
}

func (b *Builder) byteRange(lo, hi byte) frag {
	var s byteSet
	s.addRange(lo, hi)
	return b.set(s)
}

// text matches exactly s.
func (b *Builder) text(s string) frag {
	in := b.node()
	at := in
	for i := 0; i < len(s); i++ {
		var set byteSet
		set.add(s[i])
		next := b.node()
		at.bytes = append(at.bytes, byteEdge{set, next})
		at = next
	}
	return frag{in, at}
}

// texts matches one of list, which must not be empty. It is a trie, so that
// thousands of texts are followed as one while they begin alike.
func (b *Builder) texts(list []string) frag {
	list = slices.Compact(slices.Sorted(slices.Values(list)))
	in, out := b.node(), b.node()
	type span struct {
		at            *node
		lo, hi, depth int // list[lo:hi] have their first depth bytes in common
	}
	work := []span{{in, 0, len(list), 0}}
	for len(work) > 0 && b.err == nil {
		s := work[len(work)-1]
		work = work[:len(work)-1]
		if len(list[s.lo]) == s.depth {
			s.at.eps = append(s.at.eps, out)
			s.lo++
		}
		for s.lo < s.hi {
			c := list[s.lo][s.depth]
			hi := s.lo + sort.Search(s.hi-s.lo, func(i int) bool { return list[s.lo+i][s.depth] > c })
			var set byteSet
			set.add(c)
			next := b.node()
			s.at.bytes = append(s.at.bytes, byteEdge{set, next})
			work = append(work, span{next, s.lo, hi, s.depth + 1})
			s.lo = hi
		}
	}
	return frag{in, out}
}

func (b *Builder) call(r *rule) frag {
	in, out := b.node(), b.node()
	in.calls = append(in.calls, callEdge{r, out})
	return frag{in, out}
}

func (b *Builder) seq(fs ...frag) frag {
	if len(fs) == 0 {
		return b.empty()
	}
	for i := 1; i < len(fs); i++ {
		fs[i-1].out.eps = append(fs[i-1].out.eps, fs[i].in)
	}
	return frag{fs[0].in, fs[len(fs)-1].out}
}

func (b *Builder) alt(fs ...frag) frag {
	in, out := b.node(), b.node()
	for _, f := range fs {
		in.eps = append(in.eps, f.in)
		f.out.eps = append(f.out.eps, out)
	}
	return frag{in, out}
}

func (b *Builder) optional(f frag) frag { return b.alt(f, b.empty()) }

// star matches f any number of times.
func (b *Builder) star(f frag) frag {
	in, out := b.node(), b.node()
	in.eps = append(in.eps, f.in, out)
	f.out.eps = append(f.out.eps, in)
	return frag{in, out}
}

// repeat matches what make builds from min to max times; max < 0 is no bound.
func (b *Builder) repeat(build func() frag, lo, hi int) frag {
	f := b.empty()
	for i := 0; i < lo && b.err == nil; i++ {
		f = b.seq(f, build())
	}
	if hi < 0 {
		return b.seq(f, b.star(build()))
	}
	// Every further copy may be left out, and with it all that follow.
	out := b.node()
	f.out.eps = append(f.out.eps, out)
	at := f.out
	for i := lo; i < hi && b.err == nil; i++ {
		g := build()
		at.eps = append(at.eps, g.in)
		g.out.eps = append(g.out.eps, out)
		at = g.out
	}
	return frag{f.in, out}
}
