package kernel

import (
	"fmt"
	"os"
	"os/exec"
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

// GRAFT_ISA is read when a program starts, so a second one is.
func TestISAFromEnvironment(t *testing.T) {
	if os.Getenv("GRAFT_TEST_ISA") != "" {
		fmt.Printf("path %s, error %v\n", Impl(), ISAError())
		return
	}
	best := Impls()[len(Impls())-1]
	for name, want := range map[string]string{
		"generic": "path generic, error <nil>",
		best:      "path " + best + ", error <nil>",
		"":        "path " + best + ", error <nil>",
		"sse9":    "path " + best + `, error instruction set "sse9" is not known: use one of generic`,
	} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestISAFromEnvironment$")
		cmd.Env = append(os.Environ(), "GRAFT_TEST_ISA=1", "GRAFT_ISA="+name)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("with GRAFT_ISA=%q: %s (%v); want %q", name, out, err, want)
		}
	}
}
