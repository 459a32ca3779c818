//go:build unix

package weights

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// stateOf tells a file's contents from others by what the system notes of each
// change. A program can set the time of the contents back, that of the change it
// cannot.
func stateOf(path string) (State, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return State{}, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	m, c := st.Mtim, st.Ctim
	changed := time.Unix(m.Unix())
	if t := time.Unix(c.Unix()); t.After(changed) {
		changed = t
	}
	return State{
		Text:    fmt.Sprintf("%d:%d %d %d.%09d %d.%09d", st.Dev, st.Ino, st.Size, m.Sec, m.Nsec, c.Sec, c.Nsec),
		Changed: changed,
	}, nil
}
