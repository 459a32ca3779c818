package jobs

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Switches of the test that everything happens to at once.
const (
	soakTime  = "GRAFT_TEST_JOBS_SOAK"  // how long: "5m"; "": seconds
	soakChaos = "GRAFT_TEST_JOBS_CHAOS" // of a child: the seed of what it does to its jobs
)

// chaos pauses, resumes and cancels jobs at random until ctx ends, the running one
// above all.
func chaos(ctx context.Context, t *testing.T, b *bench, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 5))
	for ctx.Err() == nil {
		list, err := b.store.Jobs().In(ctx, string(Validating), string(Queued), string(Running), string(Paused))
		if err != nil || len(list) == 0 {
			time.Sleep(5 * time.Millisecond)
			continue
		}
		id := list[r.IntN(len(list))].ID
		if running, err := b.store.Jobs().In(ctx, string(Running)); err == nil && len(running) > 0 && r.IntN(2) == 0 {
			id = running[0].ID
		}
		switch r.IntN(24) {
		case 0:
			_, err = b.Cancel(ctx, id)
		case 1, 2, 3, 4, 5:
			_, err = b.Pause(ctx, id)
		default:
			_, err = b.Resume(ctx, id)
		}
		if err != nil && !errors.Is(err, ErrState) && ctx.Err() == nil {
			t.Error(err)
		}
		time.Sleep(time.Duration(r.IntN(15)) * time.Millisecond)
	}
}

// folderBytes is what a folder has on the disk.
func folderBytes(t *testing.T, dir string) (n int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestSoak: twenty jobs at a time are paused, resumed and cancelled at random in a
// process that is killed at random, and others take the place of those that have ended.
// In the end no job is lost; those that were not cancelled have come to the same
// numbers as one that nothing has disturbed, in all that they have published; and the
// disk has no more than twenty jobs need.
func TestSoak(t *testing.T) {
	long := 6 * time.Second
	if text := os.Getenv(soakTime); text != "" {
		var err error
		if long, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	ctx := context.Background()
	l := newLender(t)
	q := spec()
	q.ValidationFile, q.Hyper.Batch = "valid", 2
	want, steps := alone(t, l, q)
	dir := t.TempDir()
	b := openBench(t, dir, l, func(o *Options) { o.Keep, o.MaxQueued = 1<<20, 1<<20 })
	b.files.write(t, "train", conversations(12))
	b.files.write(t, "valid", conversations(3))
	var ids []string
	r := rand.New(rand.NewPCG(6, 7))
	kills, most := 0, int64(0)
	for end := time.Now().Add(long); time.Now().Before(end); kills++ {
		open, err := b.store.Jobs().In(ctx, string(Validating), string(Queued), string(Running), string(Paused))
		if err != nil {
			t.Fatal(err)
		}
		for range 20 - len(open) {
			j, err := b.Create(ctx, q)
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, j.ID)
		}
		child := exec.Command(os.Args[0], "-test.run=^TestChild$")
		child.Env = append(os.Environ(), childDir+"="+dir, soakChaos+"="+strconv.Itoa(kills+1))
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(200+r.IntN(800)) * time.Millisecond)
		child.Process.Kill()
		child.Wait()
		most = max(most, folderBytes(t, filepath.Join(dir, "jobs")))
	}
	for _, id := range ids {
		if _, err := b.Resume(ctx, id); err != nil && !errors.Is(err, ErrState) {
			t.Fatal(err)
		}
	}
	stop := b.start(t)
	count := map[Status]int{}
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
		case Cancelled:
			if published != "" || j.Model != "" {
				t.Errorf("%s is cancelled and published", id)
			}
		default:
			t.Errorf("%s: %s %v", id, j.Status, j.Error)
		}
		list, _, err := b.Checkpoints(ctx, id, "", 10)
		if err != nil || j.Status == Succeeded && len(list) != 2 {
			t.Errorf("%s: checkpoints %+v %v", id, list, err)
		}
		for _, c := range list {
			if b.files.digest(c.Name) == "" {
				t.Errorf("%s is listed, and not there", c.Name)
			}
		}
	}
	stop()
	if count[Succeeded] == 0 || count[Cancelled] == 0 || kills < 3 {
		t.Errorf("%v after %d kills: too little has happened", count, kills)
	}
	if changed, err := filepath.Glob(filepath.Join(dir, "files", "*.changed")); err != nil || len(changed) > 0 {
		t.Errorf("published twice, with other numbers: %v %v", changed, err)
	}
	if err := b.tidy(ctx); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "jobs")); err != nil || len(left) > 0 {
		t.Errorf("left: %v %v", left, err)
	}
	if most > 20<<20 {
		t.Errorf("%d bytes on the disk for twenty jobs", most)
	}
	t.Logf("%d jobs %v, %d kills, at most %d KiB on the disk", len(ids), count, kills, most>>10)
}
