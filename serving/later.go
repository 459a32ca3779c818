package serving

import "time"

// LaterError is an error of an endpoint that said when to ask again.
type LaterError struct {
	After time.Duration // from its answer on
	Err   error
}

func (e *LaterError) Error() string { return e.Err.Error() }
func (e *LaterError) Unwrap() error { return e.Err }
