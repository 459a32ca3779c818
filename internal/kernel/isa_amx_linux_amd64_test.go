//go:build !purego

package kernel

import (
	"os"
	"os/signal"
	"syscall"
	"testing"
)

// An instruction that the processor does not have ends neither the program nor later
// handling of its signal.
func TestSurvives(t *testing.T) {
	for range 3 {
		if survives(tryIllegal) {
			t.Fatal("an illegal instruction went unnoticed")
		}
		if !survives(func() bool { return false }) {
			t.Fatal("nothing was illegal, yet something noticed")
		}
	}
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGILL)
	defer signal.Stop(c)
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGILL); err != nil {
		t.Fatal(err)
	}
	<-c
}
