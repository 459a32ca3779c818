package kernel

import (
	"strings"
	"testing"
)

// eachImpl reruns f under every path of this machine. Package kerneltest has
// the same for other packages.
func eachImpl(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	before := Impl()
	defer Use(before)
	for _, name := range Impls() {
		if err := Use(name); err != nil {
			t.Fatal(err)
		}
		t.Run(name, f)
	}
}

func TestUse(t *testing.T) {
	before := Impl()
	defer Use(before)
	for _, name := range Impls() {
		if err := Use(name); err != nil || Impl() != name {
			t.Errorf("Use(%q) = %v, then Impl() = %q", name, err, Impl())
		}
	}
	if err := Use("sse9"); err == nil || !strings.Contains(err.Error(), "generic") {
		t.Errorf("Use of an unknown path: %v; want an error that lists the known ones", err)
	}
	if Impls()[0] != "generic" {
		t.Errorf("Impls() = %v; generic must come first", Impls())
	}
	for p := bestPath() + 1; int(p) < len(pathNames); p++ {
		if err := Use(pathNames[p]); err == nil {
			t.Errorf("Use(%q) went through on a machine without it", pathNames[p])
		}
	}
}
