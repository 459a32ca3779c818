package jinja

// expr is an expression; stmt is a statement. Each kind of node evaluates
// itself: see eval.go, call.go and exec.go.
type expr interface {
	eval(st *state) Value
	at() line
}

type stmt interface {
	exec(st *state) control
}

type line int

func (l line) at() line { return l }

type (
	constant struct {
		line
		value Value
	}
	nameRef struct {
		line
		name string
	}
	listLiteral struct {
		line
		items []expr
		tuple bool
	}
	dictLiteral struct {
		line
		keys, values []expr
	}
	condition struct { // then if test else other
		line
		test, then, other expr // other may be nil
	}
	logic struct { // and, or
		line
		and         bool
		left, right expr
	}
	not struct {
		line
		of expr
	}
	sign struct { // -x, +x
		line
		minus bool
		of    expr
	}
	comparison struct { // first ops[0] rest[0] ops[1] rest[1] …
		line
		first expr
		ops   []string
		rest  []expr
	}
	binary struct {
		line
		op          string
		left, right expr
	}
	tilde struct { // a ~ b ~ …
		line
		parts []expr
	}
	attribute struct { // of.name
		line
		of   expr
		name string
	}
	item struct { // of[key]
		line
		of, key expr
	}
	slicing struct { // of[low:high:step]
		line
		of, low, high, step expr // the last three may be nil
	}
	call struct {
		line
		fn   expr
		args arguments
	}
	filter struct {
		line
		name string
		of   expr // nil: the body of a filter or set block
		args arguments
	}
	test struct {
		line
		name string
		of   expr
		args arguments
	}
)

// arguments of a call, a filter or a test.
type arguments struct {
	pos    []expr
	names  []string
	named  []expr
	star   expr // *sequence, or nil
	double expr // **mapping, or nil
}

// target is what can be assigned to.
type target struct {
	line
	name  string
	field string    // name.field, of a namespace
	tuple []*target // when not nil, the only field set
}

type (
	textStmt struct {
		text string
	}
	output struct {
		line
		of expr
	}
	ifStmt struct {
		test        expr
		body, other []stmt
	}
	forStmt struct {
		line
		to          *target
		over        expr
		test        expr // nil: all
		recursive   bool
		body, other []stmt
	}
	setStmt struct {
		line
		to *target
		of expr
	}
	setBlock struct {
		line
		to     *target
		filter *filter // nil: none
		body   []stmt
	}
	macroStmt struct {
		line
		name     string
		params   []string
		defaults []expr // of the last len(defaults) params
		body     []stmt
		// what the body mentions
		usesCaller, usesKwargs, usesVarargs bool
	}
	callBlock struct {
		line
		call   *call
		caller *macroStmt
	}
	filterBlock struct {
		line
		filter *filter
		body   []stmt
	}
	withStmt struct {
		line
		to   []*target
		of   []expr
		body []stmt
	}
	generation struct {
		body []stmt
	}
	breakStmt    struct{}
	continueStmt struct{}
)
