package jobs

import (
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// soakTime is the variable that says how long TestSoak lasts: "5m"; "": seconds.
const soakTime = "GRAFT_TEST_JOBS_SOAK"

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
// The disk never has more than twenty jobs need.
func TestSoak(t *testing.T) {
	long := 6 * time.Second
	if text := os.Getenv(soakTime); text != "" {
		var err error
		if long, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	q := spec()
	q.Hyper.Batch = 2
	d := disturb(t, q, func(o *Options) { o.Keep, o.MaxQueued = 1<<20, 1<<20 })
	r := rand.New(rand.NewPCG(6, 7))
	kills, most := 0, int64(0)
	for end := time.Now().Add(long); time.Now().Before(end); kills++ {
		d.add(t, 20-d.open(t))
		d.killAfter(t, time.Duration(200+r.IntN(800))*time.Millisecond, childChaos+"="+strconv.Itoa(kills+1))
		most = max(most, folderBytes(t, filepath.Join(d.dir, "jobs")))
	}
	count := d.settle(t)
	if count[Succeeded] == 0 || count[Cancelled] == 0 || kills < 3 {
		t.Errorf("%v after %d kills: too little has happened", count, kills)
	}
	if most > 20<<20 {
		t.Errorf("%d bytes on the disk for twenty jobs", most)
	}
	t.Logf("%d jobs %v, %d kills, at most %d KiB on the disk", len(d.ids), count, kills, most>>10)
}
