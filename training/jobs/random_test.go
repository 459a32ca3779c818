package jobs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// alone is the digest and the events of a job that nothing has disturbed.
func alone(t *testing.T, l *lender, q Spec) (digest string, steps []string) {
	t.Helper()
	b := openBench(t, t.TempDir(), l, nil)
	b.files.write(t, "train", conversations(12))
	b.files.write(t, "valid", conversations(3))
	b.start(t)
	j, err := b.Create(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	j, events := b.await(t, j.ID)
	if j.Status != Succeeded {
		t.Fatalf("%s %v", j.Status, j.Error)
	}
	return b.files.digest(j.Model), metricsOf(events)
}

func metricsOf(events []Event) (list []string) {
	for _, e := range events {
		if e.Type == "metrics" {
			list = append(list, fmt.Sprint(e.Message, e.Data["train_loss"], e.Data["valid_loss"], e.Data["grad_norm"]))
		}
	}
	return list
}

// TestRandom: twenty jobs are paused, resumed and cancelled at random. Those that are
// not cancelled end as if nothing had happened, to the last bit, with each step noted
// once; of those that are, no result is published.
func TestRandom(t *testing.T) {
	ctx := context.Background()
	l := newLender(t)
	q := spec()
	q.ValidationFile, q.Hyper.Batch = "valid", 2
	want, steps := alone(t, l, q)
	b := openBench(t, t.TempDir(), l, nil)
	b.files.write(t, "train", conversations(12))
	b.files.write(t, "valid", conversations(3))
	b.start(t)
	var ids []string
	for range 20 {
		j, err := b.Create(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, j.ID)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); time.Sleep(time.Duration(r.IntN(20)) * time.Millisecond) {
		id := ids[r.IntN(len(ids))]
		if list, err := b.store.Jobs().In(ctx, string(Running)); err == nil && len(list) > 0 && r.IntN(2) == 0 {
			id = list[0].ID
		}
		var err error
		switch r.IntN(16) {
		case 0:
			_, err = b.Cancel(ctx, id)
		case 1, 2, 3, 4, 5:
			var j Job
			if j, err = b.Pause(ctx, id); err == nil && j.Status != Paused {
				t.Errorf("paused: %s", j.Status)
			}
		default:
			_, err = b.Resume(ctx, id)
		}
		if err != nil && !errors.Is(err, ErrState) {
			t.Fatal(err)
		}
	}
	count := map[Status]int{}
	for _, id := range ids {
		if _, err := b.Resume(ctx, id); err != nil && !errors.Is(err, ErrState) {
			t.Fatal(err)
		}
	}
	for _, id := range ids {
		j, events := b.await(t, id)
		count[j.Status]++
		published := b.files.digest(j.Suffixed)
		switch j.Status {
		case Succeeded:
			if published != want {
				t.Errorf("%s: published %.8s, undisturbed %.8s", id, published, want)
			}
			if got := metricsOf(events); strings.Join(got, "\n") != strings.Join(steps, "\n") {
				t.Errorf("%s: steps\n%s\nwant\n%s", id, strings.Join(got, "\n"), strings.Join(steps, "\n"))
			}
			if list, _, err := b.Checkpoints(ctx, id, "", 10); err != nil || len(list) != 2 {
				t.Errorf("%s: checkpoints %+v %v", id, list, err)
			}
		case Cancelled:
			if published != "" || j.Model != "" {
				t.Errorf("%s is cancelled and published", id)
			}
		default:
			t.Errorf("%s: %s %v", id, j.Status, j.Error)
		}
	}
	if count[Succeeded] == 0 || count[Cancelled] == 0 {
		t.Errorf("%v", count)
	}
	t.Log(count)
}

const childDir = "GRAFT_TEST_JOBS_DIR"

// TestChild is the process that TestKilled and TestSoak kill.
func TestChild(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		t.Skip("only for TestKilled and TestSoak")
	}
	b := openBench(t, dir, newLender(t), nil)
	if seed, err := strconv.ParseUint(os.Getenv(soakChaos), 10, 64); err == nil {
		go chaos(context.Background(), t, b, seed) // until the process is killed
	}
	if err := b.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// TestKilled: the process is killed with SIGKILL again and again. The jobs end as if
// nothing had happened, to the last bit, and nothing is left on the disk.
func TestKilled(t *testing.T) {
	ctx := context.Background()
	l := newLender(t)
	q := spec()
	q.ValidationFile, q.Hyper.Batch, q.Settings.EvalSteps = "valid", 1, pointer(5)
	want, steps := alone(t, l, q)
	dir := t.TempDir()
	b := openBench(t, dir, l, nil)
	b.files.write(t, "train", conversations(12))
	b.files.write(t, "valid", conversations(3))
	var ids []string
	for range 5 {
		j, err := b.Create(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, j.ID)
	}
	r := rand.New(rand.NewPCG(3, 4))
	kills := 0
	for ; ; kills++ {
		open, err := b.store.Jobs().In(ctx, string(Validating), string(Queued), string(Running))
		if err != nil {
			t.Fatal(err)
		}
		if len(open) == 0 {
			break
		}
		if kills > 200 {
			t.Fatal("the jobs never end")
		}
		child := exec.Command(os.Args[0], "-test.run=^TestChild$")
		child.Env = append(os.Environ(), childDir+"="+dir)
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		// On slow machines a child needs longer to get anywhere.
		time.Sleep(time.Duration(40+r.IntN(120)+kills*4) * time.Millisecond)
		child.Process.Kill()
		child.Wait()
	}
	t.Logf("%d kills", kills)
	if kills < 5 {
		t.Errorf("only %d kills", kills)
	}
	for _, id := range ids {
		j, events := b.await(t, id)
		if digest := b.files.digest(j.Suffixed); j.Status != Succeeded || digest != want {
			t.Errorf("%s: %s %v, published %.8s, undisturbed %.8s", id, j.Status, j.Error, digest, want)
		}
		if got := metricsOf(events); strings.Join(got, "\n") != strings.Join(steps, "\n") {
			t.Errorf("%s: steps\n%s\nwant\n%s", id, strings.Join(got, "\n"), strings.Join(steps, "\n"))
		}
		if list, _, err := b.Checkpoints(ctx, id, "", 10); err != nil || len(list) != 5 {
			t.Errorf("%s: %d checkpoints, %v", id, len(list), err)
		}
	}
	if err := b.tidy(ctx); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "jobs", "*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v %v", left, err)
	}
}
