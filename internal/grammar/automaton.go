package grammar

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Bounds of one grammar's cache. When one is passed the cache starts afresh;
// matchers keep the states they stand on.
const (
	maxStates    = 4096
	maxMaskBytes = 64 << 20
)

// maxConfigs bounds how many ways of reading the text are followed at once.
const maxConfigs = 20_000

// maxWork bounds the same summed up over one mask, and with it the time that
// everybody else in a batch waits for it.
const maxWork = 400_000

// frame is one entry of a stack of return nodes; nil is the empty stack.
type frame struct {
	id     int32
	ret    *node
	parent *frame
}

type frameKey struct {
	ret    *node
	parent *frame
}

// config is one way of reading the text so far: where we are, and where to
// return to.
type config struct {
	at    *node
	stack *frame
}

// state is a set of configs closed under eps, calls and returns.
type state struct {
	configs []config // those with a byte or token edge
	accepts bool     // the text may end here
	known   byteSet  // bytes whose successor is in next
	next    *[256]*state
	mask    []uint64
}

// Grammar is a compiled constraint for one vocabulary. It is safe for
// concurrent use; what it learns about one text serves all others.
type Grammar struct {
	vocab *Vocabulary
	end   *node

	mu        sync.Mutex
	states    map[string]*state
	frames    map[frameKey]*frame
	lastFrame int32
	maskBytes int
	work      int // configs followed for the mask in progress
	start     *state
}

// ErrTooAmbiguous is a text that can go on in too many ways at one place to find
// the tokens that may come next in good time.
var ErrTooAmbiguous = errors.New("at one place the text can go on in too many ways (many optional properties, alternatives or repeats that begin alike)")

// Compile closes the graph: the text must match f from beginning to end.
func (b *Builder) compile(f frag, v *Vocabulary) (*Grammar, error) {
	if b.err != nil {
		return nil, b.err
	}
	if err := b.checkRecursion(); err != nil {
		return nil, err
	}
	b.prune(f.out)
	g := &Grammar{vocab: v, end: f.out}
	g.reset()
	g.work = 0
	start, err := g.closure([]config{{f.in, nil}})
	if err != nil {
		return nil, err
	}
	if start == nil || !start.accepts && len(start.configs) == 0 {
		return nil, errors.New("the constraint cannot be met by any text")
	}
	g.start = start
	return g, nil
}

func (g *Grammar) reset() {
	g.states = map[string]*state{}
	g.frames = map[frameKey]*frame{}
	g.maskBytes = 0
}

func (g *Grammar) push(ret *node, parent *frame) *frame {
	k := frameKey{ret, parent}
	f := g.frames[k]
	if f == nil {
		g.lastFrame++
		f = &frame{g.lastFrame, ret, parent}
		g.frames[k] = f
	}
	return f
}

// closure follows everything that costs no input and returns the state, or nil
// when nothing is left.
func (g *Grammar) closure(from []config) (*state, error) {
	seen := make(map[config]bool, 2*len(from))
	work := from
	var st state
	for len(work) > 0 {
		c := work[len(work)-1]
		work = work[:len(work)-1]
		if seen[c] {
			continue
		}
		if g.work++; len(seen) > maxConfigs || g.work > maxWork {
			return nil, ErrTooAmbiguous
		}
		seen[c] = true
		if len(c.at.bytes)+len(c.at.token) > 0 {
			st.configs = append(st.configs, c)
		}
		if c.at == g.end && c.stack == nil {
			st.accepts = true
		}
		for _, n := range c.at.eps {
			work = append(work, config{n, c.stack})
		}
		for _, e := range c.at.calls {
			work = append(work, config{e.rule.start, g.push(e.to, c.stack)})
		}
		if c.at.ends && c.stack != nil {
			work = append(work, config{c.stack.ret, c.stack.parent})
		}
	}
	if len(st.configs) == 0 && !st.accepts {
		return nil, nil
	}
	slices.SortFunc(st.configs, compareConfigs)
	key := stateKey(&st)
	if known := g.states[key]; known != nil {
		return known, nil
	}
	if len(g.states) >= maxStates {
		g.reset()
	}
	st.next = new([256]*state)
	g.states[key] = &st
	return &st, nil
}

func compareConfigs(a, b config) int {
	if a.at.id != b.at.id {
		return int(a.at.id) - int(b.at.id)
	}
	return int(frameID(a.stack)) - int(frameID(b.stack))
}

func frameID(f *frame) int32 {
	if f == nil {
		return 0
	}
	return f.id
}

func stateKey(st *state) string {
	key := make([]byte, 0, 8*len(st.configs)+1)
	for _, c := range st.configs {
		key = binary.LittleEndian.AppendUint32(key, uint32(c.at.id))
		key = binary.LittleEndian.AppendUint32(key, uint32(frameID(c.stack)))
	}
	if st.accepts {
		key = append(key, 1)
	}
	return string(key)
}

// step returns the state after byte c, nil when c may not come.
func (g *Grammar) step(st *state, c byte) (*state, error) {
	if st.known.has(c) {
		return st.next[c], nil
	}
	var to []config
	for _, cf := range st.configs {
		for i := range cf.at.bytes {
			if e := &cf.at.bytes[i]; e.set.has(c) {
				to = append(to, config{e.to, cf.stack})
			}
		}
	}
	next, err := g.closureOrNil(to)
	if err != nil {
		return nil, err
	}
	st.known.add(c)
	st.next[c] = next
	return next, nil
}

func (g *Grammar) closureOrNil(to []config) (*state, error) {
	if len(to) == 0 {
		return nil, nil
	}
	return g.closure(to)
}

// stepToken returns the state after a control token, nil when it may not come.
func (g *Grammar) stepToken(st *state, id int32) (*state, error) {
	var to []config
	for _, cf := range st.configs {
		for _, e := range cf.at.token {
			if e.id == id {
				to = append(to, config{e.to, cf.stack})
			}
		}
	}
	return g.closureOrNil(to)
}

// checkRecursion refuses rules that call themselves before reading anything:
// they would never end.
func (b *Builder) checkRecursion() error {
	const (
		open = 1
		done = 2
	)
	nullable := b.nullable()
	colour := map[*rule]int{}
	var visit func(r *rule) error
	visit = func(r *rule) error {
		if colour[r] == done {
			return nil
		}
		colour[r] = open
		defer func() { colour[r] = done }()
		seen := map[*node]bool{}
		work := []*node{r.start}
		for len(work) > 0 {
			n := work[len(work)-1]
			work = work[:len(work)-1]
			if seen[n] {
				continue
			}
			seen[n] = true
			work = append(work, n.eps...)
			for _, e := range n.calls {
				if colour[e.rule] == open {
					return fmt.Errorf("%s refers to itself without reading anything in between", e.rule.name)
				}
				if err := visit(e.rule); err != nil {
					return err
				}
				if nullable[e.rule] {
					work = append(work, e.to)
				}
			}
		}
		return nil
	}
	for _, r := range b.rules {
		if err := visit(r); err != nil {
			return err
		}
	}
	return nil
}

// nullable finds the rules that match the empty text.
func (b *Builder) nullable() map[*rule]bool {
	null := map[*rule]bool{}
	for changed := true; changed; {
		changed = false
		for _, r := range b.rules {
			if null[r] {
				continue
			}
			seen := map[*node]bool{}
			work := []*node{r.start}
			for len(work) > 0 && !null[r] {
				n := work[len(work)-1]
				work = work[:len(work)-1]
				if n == r.end {
					null[r], changed = true, true
				}
				if seen[n] {
					continue
				}
				seen[n] = true
				work = append(work, n.eps...)
				for _, e := range n.calls {
					if null[e.rule] {
						work = append(work, e.to)
					}
				}
			}
		}
	}
	return null
}
