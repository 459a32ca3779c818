package api

import (
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
)

// query reads the parameters of a URL by the rules of request bodies: the first
// mistake sticks, and end refuses what nobody asked for.
type query struct {
	c      *gin.Context
	strict bool
	err    *Error
	seen   []string
}

// text is the value of a parameter, empty if it is not there.
func (q *query) text(name string) string {
	q.seen = append(q.seen, name)
	values := q.c.Request.URL.Query()[name]
	if len(values) > 1 && q.err == nil {
		q.err = invalid(name, "duplicate_key", "The parameter '%s' appears twice.", name)
	}
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

func (q *query) integer(name string, otherwise, lo, hi int) int {
	text := q.text(name)
	if text == "" || q.err != nil {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		q.err = invalid(name, "invalid_type", "Invalid type for '%s': expected an integer, but got '%.40s' instead.", name, text)
	case n < lo:
		q.err = invalid(name, "integer_below_min_value", "Invalid '%s': integer below minimum value. Expected a value >= %d, but got %d instead.", name, lo, n)
	case n > hi:
		q.err = invalid(name, "integer_above_max_value", "Invalid '%s': integer above maximum value. Expected a value <= %d, but got %d instead.", name, hi, n)
	}
	return n
}

func (q *query) enum(name, otherwise string, values ...string) string {
	text := q.text(name)
	if text == "" {
		return otherwise
	}
	if q.err == nil && !slices.Contains(values, text) {
		q.err = notOneOf(name, text, values)
	}
	return text
}

// flag is true, false, or false where nothing is said.
func (q *query) flag(name string) bool { return q.enum(name, "false", "true", "false") == "true" }

// under calls f for each parameter of the form name[key].
func (q *query) under(name string, f func(key, value string)) {
	for full := range q.c.Request.URL.Query() {
		if key, ok := strings.CutPrefix(full, name+"["); ok && strings.HasSuffix(key, "]") {
			f(strings.TrimSuffix(key, "]"), q.text(full))
		}
	}
}

// end returns the first mistake.
func (q *query) end() error {
	for name := range q.c.Request.URL.Query() {
		if q.err == nil && q.strict && !slices.Contains(q.seen, name) {
			q.err = invalid(clip(name, 100), "unknown_parameter", "Unknown parameter: '%.100s'.", name)
		}
	}
	if q.err != nil {
		return q.err
	}
	return nil
}
