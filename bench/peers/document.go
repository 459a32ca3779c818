package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"graft/internal/app/bench"
	"graft/internal/kernel"
)

// notes are what was tried, kept by hand beside this program; the table is not.
const notesFile = "bench/peers/notes.md"

// document writes the page of the documentation.
func (p *peers) document(ctx context.Context, path string) error {
	notes, err := os.ReadFile(notesFile)
	if err != nil {
		return err
	}
	version, _, err := output(exec.CommandContext(ctx, "sh", "-c", `LD_LIBRARY_PATH="$1" "$1/llama-bench" --version 2>&1 || true`, "sh", p.llama))
	if err != nil {
		return err
	}
	roof, _, err := output(exec.CommandContext(ctx, p.program, "bench", "roofline"))
	if err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `# Speed

Written by `+"`go run ./bench/peers -doc docs/performance.md`"+`, never typed. %s, %s, %d threads,
in rounds in which all take turns. Peers run at their best setting of those named in
the table: it is the one with the best median. Ratios are medians of the rounds' ratios,
above 1 in graft's favour; in brackets the lowest and the highest round.

| work | graft | peer | best setting of the peer | ratio | to reach | | measured |
|---|---|---|---|---|---|---|---|
`, bench.CPUName(), kernel.Impl(), p.threads)
	for _, r := range p.rows {
		reach, met := "", ""
		if r.Reach > 0 {
			reach, met = fmt.Sprintf("%g", r.Reach), "reached"
			if !r.Met {
				met = "**missed**"
			}
		}
		fmt.Fprintf(&b, "| %s | %.4g %s | %.4g | %s | %.2f (%.2f–%.2f) | %s | %s | %d rounds, %s |\n", r.Work, r.Graft, r.Unit, r.Value, r.Peer, r.Ratio, r.Low, r.High, reach, met, r.Rounds, r.Day)
	}
	fmt.Fprintf(&b, "\nPeer: %s\n\n## Roofline\n\n`graft bench roofline` in the same run:\n\n```\n%s```\n\n%s", firstLine(version), roof, notes)
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// firstLine is the first line that says a version.
func firstLine(text []byte) string {
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "version") {
			return "llama.cpp " + strings.TrimSpace(line)
		}
	}
	return "llama.cpp"
}
