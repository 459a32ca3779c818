package app

import (
	"io"
	"log/slog"
	"os"

	"golang.org/x/term"

	"graft/internal/config"
)

// newLogger writes to w as the configuration wants, or nowhere when w is nil.
func newLogger(w io.Writer, c config.Log) *slog.Logger {
	if w == nil {
		return slog.New(slog.DiscardHandler)
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo // Validate has let it pass, so it cannot be
	}
	options := &slog.HandlerOptions{Level: level}
	f, ok := w.(*os.File)
	if c.Format == "json" || c.Format == "auto" && !(ok && term.IsTerminal(int(f.Fd()))) {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
