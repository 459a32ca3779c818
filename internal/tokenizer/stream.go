package tokenizer

// Decoder turns tokens into text as they come. It gives whole runes only: bytes
// that may yet become a rune are kept until they do, or until Flush. What can
// no longer become one is U+FFFD, as with Python's bytes.decode(errors="replace").
// On a text that is valid UTF-8 the parts add up to what Decode returns.
type Decoder struct {
	t           *Tokenizer
	skipSpecial bool
	started     bool
	strip       int
	pending     []byte
}

// NewDecoder returns a decoder for a text that begins with the first token
// pushed, without control tokens if skipSpecial is set.
func (t *Tokenizer) NewDecoder(skipSpecial bool) *Decoder {
	return &Decoder{t: t, skipSpecial: skipSpecial, strip: t.decoder.strip}
}

// Continue says that text came before the first token pushed, so that its
// leading space is kept. It returns d.
func (d *Decoder) Continue() *Decoder {
	d.started, d.strip = true, 0
	return d
}

// Push takes the next token and returns the text that is now certain.
func (d *Decoder) Push(id int32) string {
	if !d.t.has(id) || d.skipSpecial && d.t.kinds[id]&isControl != 0 {
		return ""
	}
	raw := d.t.raw[id]
	if !d.started {
		raw = d.t.opening(id)
		d.started = true
	}
	for d.strip > 0 && raw != "" {
		if raw[0] != ' ' {
			d.strip = 0
			break
		}
		raw = raw[1:]
		d.strip--
	}
	d.pending = append(d.pending, raw...)
	return d.take(false)
}

// Flush ends the text: what is kept becomes U+FFFD.
func (d *Decoder) Flush() string { return d.take(true) }

func (d *Decoder) take(final bool) string {
	out, n := lossy(nil, d.pending, final)
	d.pending = d.pending[:copy(d.pending, d.pending[n:])]
	return string(out)
}
