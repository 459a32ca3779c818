package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"graft/internal/flock"
	"graft/internal/hub"
)

// Instance is a running server, as it notes itself in its data folder.
type Instance struct {
	PID int    `json:"pid"`
	URL string `json:"url"`
}

func instancePath(dataDir string) string { return filepath.Join(dataDir, "graft.lock") }

// takeInstance makes this the one server of a data folder.
func takeInstance(dataDir string) (*flock.Lock, error) {
	lock, err := flock.Try(instancePath(dataDir))
	if !errors.Is(err, flock.ErrHeld) {
		return lock, err
	}
	who, end := "another process", "stop it"
	if i, ok := readInstance(dataDir); ok {
		who, end = fmt.Sprintf("process %d, %s", i.PID, i.URL), fmt.Sprintf("stop it (kill %d)", i.PID)
	}
	return nil, fmt.Errorf("graft runs already with the data folder %s (%s): use that one, %s, or give this one a folder of its own with --data-dir DIR and an address with --listen", dataDir, who, end)
}

func noteInstance(lock *flock.Lock, url string) error {
	note, err := json.Marshal(Instance{PID: os.Getpid(), URL: url})
	if err != nil {
		return err
	}
	return lock.Write(append(note, '\n'))
}

// Running returns the server that has the data folder now, if there is one.
func Running(dataDir string) (Instance, bool) {
	lock, err := flock.Try(instancePath(dataDir))
	if err == nil {
		lock.Release()
		return Instance{}, false
	}
	if !errors.Is(err, flock.ErrHeld) {
		return Instance{}, false
	}
	return readInstance(dataDir)
}

func readInstance(dataDir string) (Instance, bool) {
	var i Instance
	data, err := os.ReadFile(instancePath(dataDir))
	if err != nil || json.Unmarshal(data, &i) != nil || i.PID == 0 {
		return Instance{}, false
	}
	return i, true
}

// errNoFolder is a data folder that is not there and cannot be made.
var errNoFolder = errors.New("data folder")

// explainDisk says what to do about a data folder that cannot be written.
func explainDisk(err error, dataDir string) error {
	// SQLite has several ways to say it; one of them is that its shared memory
	// file cannot grow.
	free, known := hub.DiskFree(dataDir)
	full := known && free < 1<<20 && strings.Contains(err.Error(), "disk")
	switch {
	case errors.Is(err, syscall.ENOSPC) || full:
		return fmt.Errorf("the disk of the data folder %s is full: make room, or choose another with --data-dir DIR (%w)", dataDir, err)
	case errors.Is(err, errNoFolder) || errors.Is(err, syscall.EROFS) || errors.Is(err, os.ErrPermission) || errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("the data folder %s cannot be written: choose another with --data-dir DIR (%w)", dataDir, err)
	}
	return err
}

// listen binds an address, or says why it cannot and what to do.
func listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err == nil {
		return l, nil
	}
	host, port, _ := net.SplitHostPort(address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE) || isAddrInUse(err):
		return nil, fmt.Errorf("%s is taken by another program: stop that one, or choose another port, as in --listen %s", address, net.JoinHostPort(host, next(port)))
	case errors.Is(err, syscall.EACCES): // its text only: for explainDisk this would be the disk
		return nil, fmt.Errorf("no permission to listen on %s: choose a port above 1023, as in --listen %s", address, net.JoinHostPort(host, "8080"))
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("%s is no address of this machine: use 127.0.0.1 for this machine only or 0.0.0.0 for all its addresses", host)
	}
	return nil, fmt.Errorf("--listen %s: %w", address, err)
}

// isAddrInUse knows Windows' number for a taken port.
func isAddrInUse(err error) bool {
	const wsaeAddrInUse = syscall.Errno(10048)
	return errors.Is(err, wsaeAddrInUse)
}

// next suggests another port.
func next(port string) string {
	n, err := strconv.Atoi(port)
	if err != nil || n >= 65535 {
		return "8081"
	}
	return strconv.Itoa(n + 1)
}
