package adapters_test

import "testing"

// TestMemory: what is announced is what a compiled adapter holds.
func TestMemory(t *testing.T) {
	for _, name := range variants {
		a := readPEFT(t, name)
		b := check(t, tiny(t, baseOf(a), ""), a)
		c, err := b.Compile()
		if err != nil {
			t.Fatal(err)
		}
		if b.Memory() != c.Bytes || c.Bytes == 0 {
			t.Errorf("%s: announced %d bytes, holds %d", name, b.Memory(), c.Bytes)
		}
	}
}
