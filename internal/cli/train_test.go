package cli

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

var tinyModel = filepath.Join("..", "..", "serving", "native", "testdata", "tiny")

func trainingRows(t *testing.T, n int) string {
	t.Helper()
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"messages":[{"role":"user","content":"Say %d."},{"role":"assistant","content":"It is %d."}]}`+"\n", i*7919, i)
	}
	path := filepath.Join(t.TempDir(), "rows.jsonl")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestTrain trains from the command line, and looks at the job.
func TestTrain(t *testing.T) {
	dir, rows := t.TempDir(), trainingRows(t, 10)
	args := []string{"train", rows, "--model", tinyModel, "--name", "numbers", "--epochs", "2", "--graft", "rank=2", "--graft", "schedule=linear", "--seed", "4"}
	status, stdout, stderr := graft(t, dir, "", args...)
	name := regexp.MustCompile(`^ft:tiny:graft:numbers:[A-Za-z0-9]{8}\n$`)
	if status != 0 || !name.MatchString(stdout) {
		t.Fatalf("%d %q\n%s", status, stdout, stderr)
	}
	for _, want := range []string{"Data checked: 10 rows", "Plan: 10 examples", "  rank           2", "as asked for", "Step 20/20: training loss=", "Checkpoint created at step 10", "The job has successfully completed"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("%q is not in\n%s", want, stderr)
		}
	}
	status, list, _ := graft(t, dir, "", "jobs", "list")
	id := regexp.MustCompile(`ftjob-\w+`).FindString(list)
	if status != 0 || id == "" || !strings.Contains(list, strings.TrimSpace(stdout)) || !strings.Contains(list, "succeeded") {
		t.Errorf("list: %d\n%s", status, list)
	}
	if status, show, _ := graft(t, dir, "", "jobs", "show", id); status != 0 || !strings.Contains(show, "ckpt-step-20") || !strings.Contains(show, `"n_epochs":2`) {
		t.Errorf("show: %d\n%s", status, show)
	}
	page := filepath.Join(t.TempDir(), "report.html")
	if status, report, _ := graft(t, dir, "", "jobs", "report", id, "--html", page); status != 0 || !strings.Contains(report, "10 rows (chat)") {
		t.Errorf("report: %d\n%s", status, report)
	}
	if text, err := os.ReadFile(page); err != nil || !strings.Contains(string(text), "<dt>Rows</dt><dd>10</dd>") {
		t.Errorf("page: %v\n%s", err, text)
	}
	if status, _, why := graft(t, dir, "", "jobs", "cancel", id); status != 1 || !strings.Contains(why, "it is succeeded") {
		t.Errorf("cancel: %d %s", status, why)
	}
	if status, _, events := graft(t, dir, "", "jobs", "watch", id); status != 0 || !strings.Contains(events, "Step 20/20") {
		t.Errorf("watch: %d\n%s", status, events)
	}
	if status, got, _ := graft(t, dir, "", "adapters", "list"); status != 0 || !strings.Contains(got, strings.TrimSpace(stdout)+":ckpt-step-10") {
		t.Errorf("adapters: %s", got)
	}
	for _, c := range [][2]string{{"rank=0", "graft.rank"}, {"rnk=1", "rnk"}, {"rank", "KEY=VALUE"}} {
		if status, _, why := graft(t, dir, "", "train", rows, "--model", tinyModel, "--graft", c[0]); status != 1 || !strings.Contains(why, c[1]) {
			t.Errorf("--graft %s: %d %s", c[0], status, why)
		}
	}
	if status, _, why := graft(t, dir, "", "train", trainingRows(t, 3), "--model", tinyModel); status != 1 || !strings.Contains(why, "3 usable rows") {
		t.Errorf("three rows: %d %s", status, why)
	}
}

const trainArgs = "GRAFT_TEST_TRAIN"

// TestTrainChild is the command that TestTrainInterrupted interrupts.
func TestTrainChild(t *testing.T) {
	if os.Getenv(trainArgs) == "" {
		t.Skip("only for TestTrainInterrupted")
	}
	os.Exit(Main(nil, strings.Split(os.Getenv(trainArgs), "\n"), os.Stdin, os.Stdout, os.Stderr))
}

// TestTrainInterrupted: Ctrl-C pauses a training, and the same command goes on with it
// to the result that an undisturbed one has.
func TestTrainInterrupted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no sending of interrupts")
	}
	dir, rows := t.TempDir(), trainingRows(t, 40)
	args := []string{"--data-dir", dir, "train", rows, "--model", tinyModel, "--epochs", "10", "--batch", "1", "--graft", "rank=2", "--seed", "4"}
	child := exec.Command(os.Args[0], "-test.run=^TestTrainChild$")
	child.Env = append(os.Environ(), trainArgs+"="+strings.Join(args, "\n"))
	out, err := child.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	last := ""
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if last = lines.Text(); strings.HasPrefix(last, "  Step 1/") {
			child.Process.Signal(os.Interrupt)
		}
	}
	if err := child.Wait(); err == nil || !strings.Contains(last, "graft: paused ftjob-") {
		t.Fatalf("%v\n%s", err, last)
	}
	if _, list, _ := graft(t, dir, "", "jobs", "list"); !strings.Contains(list, "paused") {
		t.Errorf("list:\n%s", list)
	}
	status, stdout, said := graft(t, dir, "", args[2:]...)
	if status != 0 || !strings.Contains(said, "going on with ftjob-") || !strings.HasPrefix(stdout, "ft:tiny:graft::") || strings.Count(said, "Step 1/400:") != 1 {
		t.Fatalf("%d %s\n%s", status, stdout, said)
	}
	other := t.TempDir()
	status, undisturbed, said := graft(t, other, "", args[2:]...)
	if status != 0 {
		t.Fatal(said)
	}
	generation := regexp.MustCompile(`(?m)^ft:\S+?:\w{8}\s+(\w{12})`)
	_, one, _ := graft(t, dir, "", "adapters", "list")
	_, two, _ := graft(t, other, "", "adapters", "list")
	a, b := generation.FindStringSubmatch(one), generation.FindStringSubmatch(two)
	if a == nil || b == nil || a[1] != b[1] {
		t.Errorf("interrupted %v, undisturbed %v (%s)", a, b, undisturbed)
	}
}
