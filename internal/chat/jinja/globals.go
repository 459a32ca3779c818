package jinja

import (
	"fmt"
	"strings"
)

// maxRange is the bound of Jinja's sandbox.
const maxRange = 100_000

// globals are the functions of Jinja and of transformers.
var globals map[string]Value

func init() {
	globals = map[string]Value{}
	for name, f := range map[string]func(*state, args) Value{
		"range":           rangeOf,
		"dict":            (*state).dictOf,
		"namespace":       newNamespace,
		"cycler":          newCycler,
		"joiner":          newJoiner,
		"raise_exception": raiseException,
		"strftime_now":    strftimeNow,
	} {
		globals[name] = &function{name, f}
	}
}

func raiseException(_ *state, a args) Value {
	message := a.bind("raise_exception", 1, "message")[0]
	panic(&Error{Kind: Raised, Message: str(message).s})
}

func strftimeNow(st *state, a args) Value {
	format := toStr(a.bind("strftime_now", 1, "format")[0], "the format")
	return format.mapText(func(s string) string { return strftime(st.now, s) })
}

func rangeOf(st *state, a args) Value {
	a.positional("range")
	if len(a.pos) == 0 || len(a.pos) > 3 {
		fail("range expected 1 to 3 arguments, got %d", len(a.pos))
	}
	bounds := [3]int64{0, 0, 1}
	for i, v := range a.pos {
		if u, ok := v.(Undefined); ok {
			fail("%s", u.message)
		}
		bounds[i] = toInt(v, 0)
	}
	if len(a.pos) == 1 {
		bounds[0], bounds[1] = 0, bounds[0]
	}
	start, stop, step := bounds[0], bounds[1], bounds[2]
	if step == 0 {
		fail("range() arg 3 must not be zero")
	}
	out := &List{shape: rangeShape, label: fmt.Sprintf("range(%d, %d)", start, stop)}
	if step != 1 {
		out.label = fmt.Sprintf("range(%d, %d, %d)", start, stop, step)
	}
	for i := start; step > 0 && i < stop || step < 0 && i > stop; i += step {
		if len(out.items) == maxRange {
			exceeded("range too big: the sandbox blocks ranges larger than %d", maxRange)
		}
		out.items = append(out.items, i)
		if next := i + step; (next > i) != (step > 0) {
			break // overflow
		}
	}
	st.chargeTimes(16, int64(len(out.items)))
	return out
}

// dictOf is dict(mapping or pairs, name=value…).
func (st *state) dictOf(a args) Value {
	if len(a.pos) > 1 {
		fail("dict expected at most 1 argument, got %d", len(a.pos))
	}
	d := NewDict(Template)
	if len(a.pos) == 1 {
		if from, ok := a.pos[0].(*Dict); ok {
			d = from.copy()
		} else {
			for _, pair := range st.iterate(a.pos[0]) {
				kv := st.iterate(pair)
				if len(kv) != 2 {
					fail("a dictionary needs pairs, have %d values", len(kv))
				}
				d.set(kv[0], kv[1])
			}
		}
	}
	for i, name := range a.names {
		d.set(plain(name), a.named[i])
	}
	st.charge(64 * len(d.entries))
	return d
}

func (st *state) fromKeys(a args) Value {
	b := a.bind("fromkeys", 1, "iterable", "value")
	d := NewDict(Template)
	for _, k := range st.iterate(b[0]) {
		d.set(k, or(b[1], nil))
	}
	return d
}

// namespace is an object whose fields templates may assign to.
type namespace struct{ Dict }

func newNamespace(st *state, a args) Value {
	ns := &namespace{*NewDict(Template)}
	for _, e := range st.dictOf(a).(*Dict).entries {
		key, ok := e.key.(Str)
		if !ok {
			ns.set(e.key, e.value)
			continue
		}
		ns.put(key.s, e.value)
	}
	return ns
}

// put refuses what transformers refuses: names with a leading underscore.
func (n *namespace) put(field string, v Value) {
	if strings.HasPrefix(field, "_") {
		fail("chat templates cannot store underscore-prefixed attributes on a namespace, but got %s", quote(field))
	}
	n.set(plain(field), v)
}

type cycler struct {
	items []Value
	at    int
}

func newCycler(_ *state, a args) Value {
	a.positional("cycler")
	if len(a.pos) == 0 {
		fail("at least one item has to be provided")
	}
	return &cycler{items: a.pos}
}

func (c *cycler) call(name string) Value {
	if name == "reset" {
		c.at = 0
		return nil
	}
	v := c.items[c.at]
	c.at = (c.at + 1) % len(c.items)
	return v
}

type joiner struct {
	separator Value
	used      bool
}

func newJoiner(_ *state, a args) Value {
	return &joiner{separator: or(a.bind("joiner", 0, "sep")[0], plain(", "))}
}

func (j *joiner) next() Value {
	if !j.used {
		j.used = true
		return Str{}
	}
	return j.separator
}
