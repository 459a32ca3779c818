package grammar

// formats are the values of "format" that are enforced, as regular expressions
// (RFC 3339, RFC 4122, RFC 1123, RFC 5322 in its usual part).
var formats = map[string]string{
	"date":      fullDate,
	"time":      fullTime,
	"date-time": fullDate + `T` + fullTime,
	"duration":  `P(\d{1,4}W|(\d{1,4}D|\d{1,4}M(\d{1,4}D)?|\d{1,4}Y(\d{1,4}M(\d{1,4}D)?)?)(T` + clock + `)?|T` + clock + `)`,
	"email":     `[A-Za-z0-9_+-]{1,32}(\.[A-Za-z0-9_+-]{1,16}){0,2}@` + label + `(\.` + label + `){1,4}`,
	"hostname":  label + `(\.` + label + `){0,4}`,
	"ipv4":      octet + `(\.` + octet + `){3}`,
	"ipv6":      `[0-9a-f]{1,4}(:[0-9a-f]{1,4}){7}`,
	"uuid":      `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`,
}

const (
	label = `[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?`
	octet = `(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)`
	clock = `(\d{1,4}S|\d{1,4}M(\d{1,4}S)?|\d{1,4}H(\d{1,4}M(\d{1,4}S)?)?)`
	// Days that not every month has are left out of the months that lack them;
	// 29 February is never written, so that every date exists.
	fullDate = `(19|20)\d\d-((0[13578]|1[02])-(0[1-9]|[12]\d|3[01])|(0[469]|11)-(0[1-9]|[12]\d|30)|02-(0[1-9]|1\d|2[0-8]))`
	fullTime = `([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)`
)

func (c *schemaCompiler) stringSchema(path string, s *dict) frag {
	lo, hi, ok := c.bounds(path, s, "minLength", "maxLength")
	if !ok {
		return c.empty()
	}
	limited := lo > 0 || hi >= 0
	pattern, hasPattern := s.vals["pattern"]
	format, hasFormat := s.vals["format"]
	switch {
	case hasPattern && hasFormat:
		return c.refuse(path, "format", "beside \"pattern\" is not supported")
	case (hasPattern || hasFormat) && limited:
		return c.refuse(path, "minLength", "or maxLength beside \"pattern\" or \"format\" is not supported; put the length into the pattern")
	case hasPattern:
		text, ok := pattern.(string)
		if !ok {
			return c.refuse(path, "pattern", "wants a regular expression")
		}
		before := c.err
		f := c.seq(c.text(`"`), c.regex(text, jsonText, false), c.text(`"`))
		if before == nil && c.err != nil {
			return c.refusePattern(path, c.err)
		}
		return f
	case hasFormat:
		name, _ := format.(string)
		re, known := formats[name]
		if !known {
			return c.refuse(path, "format", "%q is not supported", name)
		}
		return c.seq(c.text(`"`), c.regex(re, jsonText, true), c.text(`"`))
	case limited:
		char := c.newRule("character")
		char.define(c.stringChar())
		return c.seq(c.text(`"`), c.repeat(func() frag { return c.call(char) }, lo, hi), c.text(`"`))
	}
	return c.anyString()
}

func (c *schemaCompiler) refusePattern(path string, err error) frag {
	c.err = &SchemaError{Path: path, Keyword: "pattern", Reason: "is not supported: " + err.Error()}
	return c.empty()
}
