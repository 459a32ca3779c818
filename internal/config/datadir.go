package config

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
)

// DefaultDataDir is where graft keeps its state when nothing else is said:
// $XDG_DATA_HOME/graft or ~/.local/share/graft, and what the system has in its
// place on macOS and Windows.
func DefaultDataDir() (string, error) {
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "graft"), nil
	}
	if runtime.GOOS == "windows" {
		if dir := os.Getenv("LOCALAPPDATA"); dir != "" {
			return filepath.Join(dir, "graft"), nil
		}
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", errors.New("no home directory to keep models in: say where with --data-dir DIR")
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Application Support", "graft"), nil
	}
	return filepath.Join(home, ".local", "share", "graft"), nil
}
