package jinja

import (
	"slices"
	"strings"
)

// Source says where a piece of text came from. Zero is the template itself;
// every other number is given by the caller of Render.
type Source int32

// Sources with a meaning of their own.
const (
	Template Source = 0
	// Mixed is text of the caller that has no single source.
	Mixed Source = 1
)

// Run is a stretch of text that has a source other than the template, or that
// was written inside a generation tag.
type Run struct {
	Start, End int // bytes
	Source     Source
	Generated  bool
}

func (r Run) like(o Run) bool { return r.Source == o.Source && r.Generated == o.Generated }

// Str is a string of the template language.
type Str struct {
	s    string
	runs []Run // ascending, apart or of different kind, none empty
	safe bool  // a Markup: concatenation escapes the other side
}

// Text is a string of the caller: every byte counts as coming from source.
func Text(s string, source Source) Str {
	if s == "" || source == Template {
		return Str{s: s}
	}
	return Str{s: s, runs: []Run{{End: len(s), Source: source}}}
}

func plain(s string) Str { return Str{s: s} }

func (s Str) String() string { return s.s }

// Runs are the stretches that did not come from the template.
func (s Str) Runs() []Run { return s.runs }

// Join concatenates pieces, each with its own source.
func Join(pieces ...Str) Str {
	var b builder
	for _, p := range pieces {
		b.str(p)
	}
	return b.done()
}

// cut is s[i:j], in bytes.
func (s Str) cut(i, j int) Str {
	out := Str{s: s.s[i:j], safe: s.safe}
	first, _ := slices.BinarySearchFunc(s.runs, i+1, func(r Run, at int) int { return r.End - at })
	for _, r := range s.runs[first:] {
		if r.Start >= j {
			break
		}
		r.Start, r.End = max(r.Start, i)-i, min(r.End, j)-i
		out.runs = append(out.runs, r)
	}
	return out
}

// from is s[i:], in bytes.
func (s Str) from(i int) Str { return s.cut(i, len(s.s)) }

func merge(a, b Source) Source {
	switch {
	case a == b || b == Template:
		return a
	case a == Template:
		return b
	}
	return Mixed
}

// segments calls f for each stretch of s of one kind, in order.
func (s Str) segments(f func(text string, kind Run)) {
	at := 0
	for _, r := range s.runs {
		if r.Start > at {
			f(s.s[at:r.Start], Run{})
		}
		f(s.s[r.Start:r.End], r)
		at = r.End
	}
	if at < len(s.s) {
		f(s.s[at:], Run{})
	}
}

// mapText applies f to each stretch of one kind.
func (s Str) mapText(f func(string) string) Str {
	if len(s.runs) == 0 {
		return Str{s: f(s.s), safe: s.safe}
	}
	var b builder
	s.segments(func(text string, kind Run) { b.add(f(text), kind) })
	out := b.done()
	out.safe = s.safe
	return out
}

// generated marks all of s as written inside a generation tag.
func (s Str) generated() Str {
	var b builder
	s.segments(func(text string, kind Run) {
		kind.Generated = true
		b.add(text, kind)
	})
	return b.done()
}

// escape makes s safe for HTML as Python's markupsafe does.
func (s Str) escape() Str {
	if s.safe {
		return s
	}
	out := s.mapText(htmlEscaper.Replace)
	out.safe = true
	return out
}

var htmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;")

// builder concatenates text of known kinds.
type builder struct {
	buf  []byte
	runs []Run
	base Source // of text that has no source of its own
}

func (b *builder) add(text string, kind Run) {
	if text == "" {
		return
	}
	if kind.Source == Template {
		kind.Source = b.base
	}
	start := len(b.buf)
	b.buf = append(b.buf, text...)
	if kind.Source == Template && !kind.Generated {
		return
	}
	if n := len(b.runs); n > 0 && b.runs[n-1].End == start && b.runs[n-1].like(kind) {
		b.runs[n-1].End = len(b.buf)
		return
	}
	kind.Start, kind.End = start, len(b.buf)
	b.runs = append(b.runs, kind)
}

func (b *builder) text(s string) { b.add(s, Run{}) }

func (b *builder) str(s Str) {
	if len(s.runs) == 0 {
		b.add(s.s, Run{})
		return
	}
	s.segments(b.add)
}

func (b *builder) done() Str { return Str{s: string(b.buf), runs: b.runs} }
