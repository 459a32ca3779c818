package grammar

// space is the white space allowed between JSON tokens: none, one blank, or a
// new line with some indentation. A bound keeps a small model from writing
// blanks for ever.
func (b *Builder) space() frag {
	if b.ws == nil {
		b.ws = b.newRule("white space")
		indent := b.repeat(func() frag { return b.byteRange(' ', ' ') }, 0, 20)
		b.ws.define(b.alt(b.empty(), b.text(" "), b.seq(b.text("\n"), indent)))
	}
	return b.call(b.ws)
}

// anyValue is any JSON value.
func (b *Builder) anyValue() frag {
	if b.value == nil {
		b.value = b.newRule("value")
		b.value.define(b.alt(b.anyObject(), b.anyArray(), b.anyString(), b.anyNumber(),
			b.text("true"), b.text("false"), b.text("null")))
	}
	return b.call(b.value)
}

func (b *Builder) anyObject() frag {
	if b.object == nil {
		b.object = b.newRule("object")
		member := func() frag {
			return b.seq(b.anyString(), b.text(":"), b.space(), b.anyValue())
		}
		b.object.define(b.list("{", "}", member, 0, -1))
	}
	return b.call(b.object)
}

func (b *Builder) anyArray() frag {
	if b.array == nil {
		b.array = b.newRule("array")
		b.array.define(b.list("[", "]", b.anyValue, 0, -1))
	}
	return b.call(b.array)
}

// list is open item,item,… close with lo to hi items (hi < 0: no bound).
func (b *Builder) list(open, closing string, item func() frag, lo, hi int) frag {
	end := b.seq(b.space(), b.text(closing))
	if hi == 0 {
		return b.seq(b.text(open), end)
	}
	more := func() frag { return b.seq(b.text(","), b.space(), item()) }
	rest := hi
	if hi > 0 {
		rest = hi - 1
	}
	items := b.seq(b.space(), item(), b.repeat(more, max(lo-1, 0), rest))
	if lo == 0 {
		items = b.optional(items)
	}
	return b.seq(b.text(open), items, end)
}

func (b *Builder) anyString() frag {
	if b.str == nil {
		b.str = b.newRule("string")
		b.str.define(b.seq(b.text(`"`), b.star(b.stringChar()), b.text(`"`)))
	}
	return b.call(b.str)
}

// stringChar is one code point as it may stand inside a JSON string (RFC 8259
// section 7): raw UTF-8, or an escape; surrogates only in pairs.
func (b *Builder) stringChar() frag {
	var plain, short, hex byteSet
	plain.addRange(0x20, 0x7f)
	plain[0] &^= 1 << '"'
	plain[1] &^= 1 << ('\\' - 64)
	for _, c := range []byte(`"\/bfnrt`) {
		short.add(c)
	}
	hex.addRange('0', '9')
	hex.addRange('a', 'f')
	hex.addRange('A', 'F')
	pick := func(chars string) byteSet {
		var s byteSet
		for i := range len(chars) {
			s.add(chars[i])
		}
		return s
	}
	notD := hex
	notD[1] &^= 1<<('d'-64) | 1<<('D'-64)
	hexes := func(n int) frag { return b.repeat(func() frag { return b.set(hex) }, n, n) }
	d := func() frag { return b.set(pick("dD")) }
	return b.alt(
		b.set(plain), b.multibyte(),
		b.seq(b.text(`\`), b.set(short)),
		b.seq(b.text(`\u`), b.set(notD), hexes(3)),
		b.seq(b.text(`\u`), d(), b.set(pick("01234567")), hexes(2)),
		b.seq(b.text(`\u`), d(), b.set(pick("89abAB")), hexes(2),
			b.text(`\u`), d(), b.set(pick("cdefCDEF")), hexes(2)),
	)
}

// multibyte is one code point of two to four UTF-8 bytes (Unicode table 3-7).
func (b *Builder) multibyte() frag {
	tail := func() frag { return b.byteRange(0x80, 0xbf) }
	return b.alt(
		b.seq(b.byteRange(0xc2, 0xdf), tail()),
		b.seq(b.byteRange(0xe0, 0xe0), b.byteRange(0xa0, 0xbf), tail()),
		b.seq(b.byteRange(0xe1, 0xec), tail(), tail()),
		b.seq(b.byteRange(0xed, 0xed), b.byteRange(0x80, 0x9f), tail()),
		b.seq(b.byteRange(0xee, 0xef), tail(), tail()),
		b.seq(b.byteRange(0xf0, 0xf0), b.byteRange(0x90, 0xbf), tail(), tail()),
		b.seq(b.byteRange(0xf1, 0xf3), tail(), tail(), tail()),
		b.seq(b.byteRange(0xf4, 0xf4), b.byteRange(0x80, 0x8f), tail(), tail()),
	)
}

// Digits of numbers are bounded: what is written must fit a float64, and a
// small model must not write digits for ever.
const (
	maxIntDigits  = 15
	maxFracDigits = 15
	maxExpDigits  = 2
)

func (b *Builder) digits(lo, hi int) frag {
	return b.repeat(func() frag { return b.byteRange('0', '9') }, lo, hi)
}

// anyNumber is a JSON number.
func (b *Builder) anyNumber() frag {
	if b.number == nil {
		b.number = b.newRule("number")
		var e, sign byteSet
		e.add('e')
		e.add('E')
		sign.add('+')
		sign.add('-')
		b.number.define(b.seq(b.anyInteger(),
			b.optional(b.seq(b.text("."), b.digits(1, maxFracDigits))),
			b.optional(b.seq(b.set(e), b.optional(b.set(sign)), b.digits(1, maxExpDigits)))))
	}
	return b.call(b.number)
}

func (b *Builder) anyInteger() frag {
	return b.seq(b.optional(b.text("-")),
		b.alt(b.text("0"), b.seq(b.byteRange('1', '9'), b.digits(0, maxIntDigits-1))))
}
