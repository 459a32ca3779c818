package lint

import (
	"regexp"
	"sync"
)

// pattern is an expression that is compiled at its first use: compiling all of them
// takes a start of the program a millisecond, whatever it was started for.
func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}
