package jinja

import (
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

type tokenKind uint8

const (
	eofToken tokenKind = iota
	dataToken
	blockBegin // {%
	blockEnd
	varBegin // {{
	varEnd
	nameToken
	stringToken
	numberToken // value holds int64, *big.Int or float64
	opToken
)

type token struct {
	kind  tokenKind
	text  string
	value Value
	line  int
}

// lexer follows jinja2/lexer.py with trim_blocks and lstrip_blocks on: a line
// break after a block or comment is dropped, and so is white space between the
// start of a line and a block or comment; "-" drops all white space on its
// side, "+" keeps it.
type lexer struct {
	src  string
	at   int
	line int
	out  []token
}

var newlines = strings.NewReplacer("\r\n", "\n", "\r", "\n")

func lex(src string) []token {
	src = newlines.Replace(src)
	src = strings.TrimSuffix(src, "\n")
	l := &lexer{src: src, line: 1}
	for l.at < len(l.src) {
		l.data()
	}
	l.emit(eofToken, "")
	return l.out
}

func (l *lexer) emit(kind tokenKind, text string) {
	l.out = append(l.out, token{kind: kind, text: text, line: l.line})
}

func (l *lexer) fail(format string, args ...any) {
	defer func() {
		e := recover().(*Error)
		e.Kind, e.Line = Syntax, l.line
		panic(e)
	}()
	fail(format, args...)
}

// advance moves to position at, counting lines.
func (l *lexer) advance(at int) {
	l.line += strings.Count(l.src[l.at:at], "\n")
	l.at = at
}

func (l *lexer) rest() string { return l.src[l.at:] }

// skipSpace is a "-" on the right side of a tag.
func (l *lexer) skipSpace() {
	l.advance(len(l.src) - len(strings.TrimLeftFunc(l.rest(), isSpace)))
}

func (l *lexer) skipNewline() {
	if strings.HasPrefix(l.rest(), "\n") {
		l.advance(l.at + 1)
	}
}

var (
	openTag = regexp.MustCompile(`\{[{%#]`)
	rawTag  = regexp.MustCompile(`^\{%([-+]?)\s*raw\s*(-?)%\}`)
	endRaw  = regexp.MustCompile(`\{%([-+]?)\s*endraw\s*([-+]?)%\}`)
)

// data reads text up to the next tag, and that tag.
func (l *lexer) data() {
	m := openTag.FindStringIndex(l.rest())
	if m == nil {
		l.emit(dataToken, l.rest())
		l.advance(len(l.src))
		return
	}
	text, tag := l.rest()[:m[0]], l.rest()[m[0]:]
	sign := byte(0)
	if len(tag) > 2 {
		sign = tag[2]
	}
	raw := rawTag.FindStringSubmatch(tag)
	if raw != nil {
		sign = (raw[1] + "\x00")[0]
	}
	l.text(text, sign, tag[1] == '{')
	l.advance(l.at + len(text))
	switch {
	case raw != nil:
		l.advance(l.at + len(raw[0]))
		l.raw(raw[2] == "-")
		return
	case sign == '-' || sign == '+':
		l.advance(l.at + 3)
	default:
		l.advance(l.at + 2)
	}
	switch tag[1] {
	case '#':
		l.comment()
	case '%':
		l.tag(blockBegin, blockEnd, "%}")
	case '{':
		l.tag(varBegin, varEnd, "}}")
	}
}

// text emits the text before a tag, with what the tag's left side strips.
func (l *lexer) text(text string, sign byte, variable bool) {
	switch {
	case sign == '-':
		text = strings.TrimRightFunc(text, isSpace)
	case sign != '+' && !variable:
		start := strings.LastIndexByte(text, '\n') + 1
		lineStart := start > 0 || l.at == 0 || l.src[l.at-1] == '\n'
		if lineStart && strings.TrimFunc(text[start:], isSpace) == "" {
			text = text[:start]
		}
	}
	if text != "" {
		l.emit(dataToken, text)
	}
}

func (l *lexer) comment() {
	end := strings.Index(l.rest(), "#}")
	if end < 0 {
		l.fail("missing end of comment tag")
	}
	sign := byte(0)
	if end > 0 {
		sign = l.rest()[end-1]
	}
	l.advance(l.at + end + 2)
	l.after(sign, true)
}

// after drops what the right side of a tag strips.
func (l *lexer) after(sign byte, newline bool) {
	switch {
	case sign == '-':
		l.skipSpace()
	case sign != '+' && newline:
		l.skipNewline()
	}
}

func (l *lexer) raw(strip bool) {
	if strip {
		l.skipSpace()
	}
	m := endRaw.FindStringSubmatchIndex(l.rest())
	if m == nil {
		l.fail("missing end of raw directive")
	}
	group := func(i int) byte { return (l.rest()[m[i]:m[i+1]] + "\x00")[0] }
	left, right := group(2), group(4)
	l.text(l.rest()[:m[0]], left, false)
	l.advance(l.at + m[1])
	l.after(right, true)
}

// tag reads the tokens of a block or a variable up to its end.
func (l *lexer) tag(begin, end tokenKind, closing string) {
	l.emit(begin, "")
	var open []byte // brackets waiting to be closed
	for {
		rest := l.rest()
		if rest == "" {
			l.fail("the tag is not closed: missing %s", closing)
		}
		if trimmed := strings.TrimLeftFunc(rest, isSpace); len(trimmed) < len(rest) {
			l.advance(len(l.src) - len(trimmed))
			continue
		}
		if len(open) == 0 {
			if n, sign := tagEnd(rest, closing); n > 0 {
				l.emit(end, "")
				l.advance(l.at + n)
				l.after(sign, end == blockEnd)
				return
			}
		}
		l.token(rest, &open)
	}
}

func tagEnd(rest, closing string) (n int, sign byte) {
	switch {
	case strings.HasPrefix(rest, closing):
		return 2, 0
	case strings.HasPrefix(rest, "-"+closing):
		return 3, '-'
	case closing == "%}" && strings.HasPrefix(rest, "+"+closing):
		return 3, '+'
	}
	return 0, 0
}

var (
	floatRE = regexp.MustCompile(`^(?i:(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?e[+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+))`)
	intRE   = regexp.MustCompile(`^(?i:0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*)`)
	nameRE  = regexp.MustCompile(`^[\pL\pN_][\pL\pN\pM_]*`)
	opRE    = regexp.MustCompile(`^(?:==|!=|>=|<=|//|\*\*|[-+/*%~\[\](){}><=.:|,;])`)
)

var closers = map[string]byte{"(": ')', "[": ']', "{": '}'}

func (l *lexer) token(rest string, open *[]byte) {
	if m := floatRE.FindString(rest); m != "" && l.src[l.at-1] != '.' {
		f, _ := strconv.ParseFloat(strings.ReplaceAll(m, "_", ""), 64) // too large is +Inf, as in Python
		l.out = append(l.out, token{kind: numberToken, text: m, value: f, line: l.line})
		l.at += len(m)
		return
	}
	if m := intRE.FindString(rest); m != "" {
		if len(m) > maxBits/4 {
			l.fail("integer too large")
		}
		z, _ := new(big.Int).SetString(strings.ReplaceAll(m, "_", ""), 0)
		l.out = append(l.out, token{kind: numberToken, text: m, value: fromBig(z), line: l.line})
		l.at += len(m)
		return
	}
	if m := nameRE.FindString(rest); m != "" {
		if r := []rune(m)[0]; unicode.IsNumber(r) {
			l.fail("invalid character in identifier %s", quote(m))
		}
		l.emit(nameToken, m)
		l.at += len(m)
		return
	}
	if rest[0] == '\'' || rest[0] == '"' {
		n := stringEnd(rest)
		if n == 0 {
			l.fail("a string is not closed")
		}
		text, message := unescape(rest[1 : n-1])
		if message != "" {
			l.fail("%s", message)
		}
		l.emit(stringToken, text)
		l.advance(l.at + n)
		return
	}
	op := opRE.FindString(rest)
	if op == "" {
		l.fail("unexpected char %s", quote(string([]rune(rest)[0])))
	}
	if c, ok := closers[op]; ok {
		*open = append(*open, c)
	} else if op == ")" || op == "]" || op == "}" {
		if len(*open) == 0 {
			l.fail("unexpected '%s'", op)
		}
		if want := (*open)[len(*open)-1]; want != op[0] {
			l.fail("unexpected '%s', expected '%c'", op, want)
		}
		*open = (*open)[:len(*open)-1]
	}
	l.emit(opToken, op)
	l.at += len(op)
}

// isSpace is Python's str.isspace for one character.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }
