package graders

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Bounds of formulas.
const (
	maxFormula = 4 << 10 // bytes
	maxNesting = 64
)

// Formula is calculate_output of a multi grader: numbers, names of graders, + - *
// / ^ (to the right, before the sign), parentheses, and the functions of functions.
type Formula struct {
	root  node
	names []string // of graders, each once, in the order of the text
}

// node computes a value.
type node func(vars map[string]float64) float64

// function has at least so many arguments, and at most; -1: any number.
type function struct {
	least, most int
	f           func(args []float64) float64
}

func one(f func(float64) float64) function {
	return function{1, 1, func(x []float64) float64 { return f(x[0]) }}
}

func fold(f func(a, b float64) float64) function {
	return function{1, -1, func(x []float64) float64 {
		for _, y := range x[1:] {
			x[0] = f(x[0], y)
		}
		return x[0]
	}}
}

var functions = map[string]function{
	"min": fold(math.Min), "max": fold(math.Max),
	"abs": one(math.Abs), "floor": one(math.Floor), "ceil": one(math.Ceil),
	"exp": one(math.Exp), "sqrt": one(math.Sqrt), "log": one(math.Log),
}

// ParseFormula reads a formula.
func ParseFormula(text string) (*Formula, error) {
	if len(text) > maxFormula {
		return nil, fmt.Errorf("a formula has at most %d bytes, this one has %d", maxFormula, len(text))
	}
	p := &formulaParser{text: text}
	f := &Formula{root: p.sum()}
	if p.space(); p.err == nil && p.at < len(text) {
		p.fail("%q is not expected", text[p.at])
	}
	f.names = p.names
	return f, p.err
}

// Names are the graders that the formula uses.
func (f *Formula) Names() []string { return f.names }

// Value computes the formula. A result that is no finite number is an error.
func (f *Formula) Value(vars map[string]float64) (float64, error) {
	for _, name := range f.names {
		if _, ok := vars[name]; !ok {
			return 0, fmt.Errorf("%w: %s", ErrVariable, clip(name))
		}
	}
	x := f.root(vars)
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return 0, fmt.Errorf("the formula has no finite value: %v", x)
	}
	return x, nil
}

// formulaParser descends by precedence; after the first error it only winds up.
type formulaParser struct {
	text  string
	at    int
	depth int
	names []string
	err   error
}

func (p *formulaParser) fail(format string, args ...any) node {
	if p.err == nil {
		p.err = fmt.Errorf("the formula is wrong at character %d: "+format, append([]any{p.at + 1}, args...)...)
	}
	return func(map[string]float64) float64 { return math.NaN() }
}

func (p *formulaParser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

// next takes one of the characters, if it comes next; 0: it does not.
func (p *formulaParser) next(chars string) byte {
	if p.space(); p.err != nil || p.at == len(p.text) || strings.IndexByte(chars, p.text[p.at]) < 0 {
		return 0
	}
	p.at++
	return p.text[p.at-1]
}

func (p *formulaParser) sum() node {
	if p.depth++; p.depth > maxNesting {
		return p.fail("it nests deeper than %d levels", maxNesting)
	}
	defer func() { p.depth-- }()
	left := p.product()
	for op := p.next("+-"); op != 0; op = p.next("+-") {
		a, b := left, p.product()
		if op == '+' {
			left = func(v map[string]float64) float64 { return a(v) + b(v) }
		} else {
			left = func(v map[string]float64) float64 { return a(v) - b(v) }
		}
	}
	return left
}

func (p *formulaParser) product() node {
	left := p.signed()
	for op := p.next("*/"); op != 0; op = p.next("*/") {
		a, b := left, p.signed()
		if op == '*' {
			left = func(v map[string]float64) float64 { return a(v) * b(v) }
		} else {
			left = func(v map[string]float64) float64 { return a(v) / b(v) }
		}
	}
	return left
}

func (p *formulaParser) signed() node {
	switch p.next("+-") {
	case '-':
		a := p.nested(p.signed)
		return func(v map[string]float64) float64 { return -a(v) }
	case '+':
		return p.nested(p.signed)
	}
	return p.power()
}

func (p *formulaParser) power() node {
	base := p.atom()
	if p.next("^") == 0 {
		return base
	}
	exponent := p.nested(p.signed)
	return func(v map[string]float64) float64 { return math.Pow(base(v), exponent(v)) }
}

// nested counts a level.
func (p *formulaParser) nested(f func() node) node {
	if p.depth++; p.depth > maxNesting {
		return p.fail("it nests deeper than %d levels", maxNesting)
	}
	defer func() { p.depth-- }()
	return f()
}

func (p *formulaParser) atom() node {
	if p.next("(") != 0 {
		inner := p.sum()
		if p.next(")") == 0 {
			return p.fail("')' is missing")
		}
		return inner
	}
	start := p.at
	word := p.word()
	switch {
	case p.err != nil:
		return p.fail("")
	case word == "":
		return p.fail("a number, a name or '(' is missing")
	case word[0] >= '0' && word[0] <= '9' || word[0] == '.':
		x, err := strconv.ParseFloat(word, 64)
		if err != nil || strings.ContainsAny(word, "xXpP_") {
			p.at = start
			return p.fail("%q is no number", clip(word))
		}
		return func(map[string]float64) float64 { return x }
	}
	if f, ok := functions[word]; ok && p.next("(") != 0 {
		return p.call(word, f)
	}
	if !slices.Contains(p.names, word) {
		p.names = append(p.names, word)
	}
	return func(v map[string]float64) float64 { return v[word] }
}

// word takes letters, digits, underscores and points, and the sign of an exponent.
func (p *formulaParser) word() string {
	p.space()
	start := p.at
	for p.at < len(p.text) {
		c := p.text[p.at]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c >= 0x80
		number := start < p.at && (p.text[start] == '.' || p.text[start] >= '0' && p.text[start] <= '9')
		if !letter && !(number && (c == '+' || c == '-') && p.text[p.at-1]|0x20 == 'e') {
			break
		}
		p.at++
	}
	return p.text[start:p.at]
}

func (p *formulaParser) call(name string, f function) node {
	var args []node
	for {
		args = append(args, p.sum())
		if p.next(",") == 0 {
			break
		}
	}
	if p.next(")") == 0 {
		return p.fail("')' is missing")
	}
	if len(args) < f.least || f.most >= 0 && len(args) > f.most {
		return p.fail("%s takes %d argument, not %d", name, f.least, len(args))
	}
	return func(v map[string]float64) float64 {
		values := make([]float64, len(args))
		for i, a := range args {
			values[i] = a(v)
		}
		return f.f(values)
	}
}
