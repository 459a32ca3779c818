package chat

import (
	"errors"
	"fmt"
)

// ErrContinue is within the error for a last message that cannot be continued.
var ErrContinue = errors.New("the last message cannot be continued")

// InputError is what Render returns: the conversation is not one that this
// template can write. Err is often a *jinja.Error, with the template's words.
type InputError struct {
	Param string // the field of the request at fault, in OpenAI's notation
	Err   error
}

func (e *InputError) Error() string { return e.Err.Error() }

func (e *InputError) Unwrap() error { return e.Err }

func wrong(param, format string, args ...any) error {
	return &InputError{Param: param, Err: fmt.Errorf(format, args...)}
}
