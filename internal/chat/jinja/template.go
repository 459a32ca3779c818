package jinja

import "time"

// maxTemplate bounds the length of a template; the longest published ones have
// some 30 kB.
const maxTemplate = 1 << 20

// Compiled is a parsed template. It may be used from several goroutines.
type Compiled struct {
	body []stmt
}

// Parse reads a template. Its errors are of type *Error.
func Parse(src string) (t *Compiled, err error) {
	if len(src) > maxTemplate {
		return nil, &Error{Kind: Limit, Message: "the template is longer than 1 MiB"}
	}
	defer rescue(&err, func() int { return 0 })
	return &Compiled{body: parse(src)}, nil
}

// Options of a rendering.
type Options struct {
	Now    time.Time // what strftime_now tells; zero: the time of the call
	Limits Limits
}

// Output is a rendered template: its text, and which bytes of it have a source
// other than the template or were written inside a generation tag.
type Output struct {
	Text string
	Runs []Run
}

// Render runs the template over vars. Its errors are of type *Error. The
// values in vars are not changed, except that iterators are used up.
func (t *Compiled) Render(vars *Dict, o Options) (out Output, err error) {
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	st := &state{out: &builder{}, limits: o.Limits.orDefault(), now: o.Now, scope: &scope{}}
	for _, e := range vars.entries {
		st.scope.vars = append(st.scope.vars, variable{e.key.(Str).s, e.value})
	}
	defer rescue(&err, func() int { return int(st.line) })
	st.run(t.body)
	s := st.out.done()
	return Output{Text: s.s, Runs: s.runs}, nil
}
