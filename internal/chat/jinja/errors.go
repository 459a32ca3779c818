package jinja

import "fmt"

// Kind says what went wrong.
type Kind uint8

// Kinds of errors.
const (
	Syntax  Kind = iota + 1 // the template does not parse
	Runtime                 // an operation that Python would refuse too
	Raised                  // the template called raise_exception
	Limit                   // the template is too expensive: see Limits
)

// Error is what Parse and Render return: a template that does not parse, or
// one that cannot render these variables.
type Error struct {
	Kind    Kind
	Line    int    // in the template, from 1; 0: unknown
	Message string // for Raised: the template's own words
}

func (e *Error) Error() string {
	switch {
	case e.Kind == Raised:
		return "the chat template refuses this conversation: " + e.Message
	case e.Line > 0:
		return fmt.Sprintf("chat template, line %d: %s", e.Line, e.Message)
	}
	return "chat template: " + e.Message
}

// fail raises a runtime error; Render adds the line.
func fail(format string, args ...any) {
	panic(&Error{Kind: Runtime, Message: fmt.Sprintf(format, args...)})
}

// rescue turns a raised *Error into err, at the line where it happened. Any
// other panic is a bug of this package and goes on.
func rescue(err *error, line func() int) {
	switch e := recover().(type) {
	case nil:
	case *Error:
		if e.Line == 0 {
			e.Line = line()
		}
		*err = e
	default:
		panic(e)
	}
}
