package weights

import (
	"encoding/binary"
	"fmt"
)

// cursor reads little-endian fields from b. The first error stays, and later
// reads give zeros, so that callers may check once after several.
type cursor struct {
	b   []byte
	at  int
	err error
}

// take returns the next n bytes, or nil when there are fewer.
func (c *cursor) take(n uint64, what string) []byte {
	if c.err != nil {
		return nil
	}
	if left := len(c.b) - c.at; n > uint64(left) {
		c.err = fmt.Errorf("%s at byte %d: %d bytes wanted, %d left in the file", what, c.at, n, left)
		return nil
	}
	s := c.b[c.at : c.at+int(n)]
	c.at += int(n)
	return s
}

func (c *cursor) u32(what string) uint32 {
	if s := c.take(4, what); s != nil {
		return binary.LittleEndian.Uint32(s)
	}
	return 0
}

func (c *cursor) u64(what string) uint64 {
	if s := c.take(8, what); s != nil {
		return binary.LittleEndian.Uint64(s)
	}
	return 0
}

// text reads a string: its length in 8 bytes, then its bytes.
func (c *cursor) text(what string) []byte {
	return c.take(c.u64(what), what)
}

// count reads a number of items of which each takes at least size bytes, so that
// a number the file cannot hold is refused before anyone loops or allocates.
func (c *cursor) count(size int, what string) int {
	n := c.u64(what)
	if left := len(c.b) - c.at; c.err == nil && n > uint64(left/size) {
		c.err = fmt.Errorf("%s at byte %d: %d claimed, but the file has room for %d", what, c.at-8, n, left/size)
	}
	if c.err != nil {
		return 0
	}
	return int(n)
}
