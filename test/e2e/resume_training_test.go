package e2e

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var jobLine = regexp.MustCompile(`ftjob-[A-Za-z0-9]+`)

// TestProveKilledInTraining: a proof without a server of its own is killed with SIGKILL in
// the middle of its training; the same command goes on with the same job, from where that
// was, and comes to a verdict.
func TestProveKilledInTraining(t *testing.T) {
	rows, gold := parityFiles(t)
	folder, err := filepath.Abs(tinyFolder)
	if err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	command := func() *exec.Cmd {
		c := exec.Command(program, append(proveArgs(rows, gold, "--no-forgetting", "--arms", "zero_shot", "--budget", "40"), "--epochs", "40", "--model", folder, "--data-dir", data, "--set", "training.save_every=100ms")...)
		c.Dir = data
		return c
	}
	c := command()
	errs, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	job, steps := "", 0
	deadline := time.AfterFunc(2*time.Minute, func() { c.Process.Kill() })
	lines := bufio.NewScanner(errs)
	var said strings.Builder
	for steps < 40 && lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		if found := jobLine.FindString(lines.Text()); found != "" && job == "" {
			job = found
		}
		if strings.Contains(lines.Text(), "training loss=") {
			steps++
		}
	}
	time.Sleep(300 * time.Millisecond) // a checkpoint is behind it
	c.Process.Kill()
	c.Wait()
	if !deadline.Stop() || job == "" || steps < 40 {
		t.Fatalf("job %q, %d steps; it said\n%s", job, steps, said.String())
	}
	status, stdout, stderr := ran(t, command())
	p := readProof(t, stdout, stderr)
	if status != p.Exit || status == 1 || p.Job != job {
		t.Fatalf("status %d, job %s, killed was %s\n%s", status, p.Job, job, stderr)
	}
	if !strings.Contains(stderr, job) {
		t.Errorf("it did not go on with %s:\n%s", job, stderr)
	}
	if strings.Contains(stderr, "searching the base's best prompt") {
		t.Error("the search, which was done, was made again")
	}
}
