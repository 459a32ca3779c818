package evalharness

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

// Journal keeps what models answered, by the hash of all that was asked: the model's
// generation, the messages and the parameters. An answer is on the disk before it
// counts, so that a run that was killed asks nothing twice. Each line is the CRC-32C of
// the rest in eight hex digits, a space, and an entry's JSON; a line that was cut off is
// left out. Several processes may append to the same file.
type Journal struct {
	path string
	mu   sync.Mutex
	f    *os.File
	by   map[string]entry
	bad  int
}

// entry is an answer.
type entry struct {
	Key    string  `json:"key"`
	Output string  `json:"output"`
	Finish string  `json:"finish,omitempty"`
	Error  string  `json:"error,omitempty"` // that would come again: the prompt is too long, …
	Prompt int     `json:"prompt_tokens"`
	Tokens int     `json:"completion_tokens"`
	Ms     float64 `json:"ms"`
	First  float64 `json:"first_ms"`
	// Logs are the log-probabilities of the prompt's tokens, of answers that are scores.
	Logs []float64 `json:"logs,omitempty"`
	old  bool      // from the file
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// maxEntry bounds a line.
const maxEntry = 16 << 20

// OpenJournal reads a journal, or begins one.
func OpenJournal(path string) (*Journal, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	j := &Journal{path: path, f: f, by: map[string]entry{}}
	if err := j.read(); err != nil {
		f.Close()
		return nil, fmt.Errorf("journal %s: %w", path, err)
	}
	return j, nil
}

func (j *Journal) read() error {
	r := bufio.NewReaderSize(j.f, 64<<10)
	whole := true
	for {
		line, err := readBounded(r, maxEntry)
		if len(line) > 0 {
			whole = err == nil
			if e, ok := parseEntry(line); ok && whole {
				e.old = true
				j.by[e.Key] = e
			} else {
				j.bad++
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	if whole {
		return nil
	}
	// A line was cut off: what comes next begins a new one.
	_, err := j.f.Write([]byte("\n"))
	return err
}

// readBounded reads a line without its end. Of one that is too long nothing is kept but
// a sign of it. io.EOF: the line, if any, has no end.
func readBounded(r *bufio.Reader, most int) (line []byte, err error) {
	long := false
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > most {
			long = true
		} else {
			line = append(line, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if long {
			line = []byte("?")
		}
		return bytes.TrimSuffix(line, []byte("\n")), err
	}
}

func parseEntry(line []byte) (e entry, ok bool) {
	if len(line) < 10 || line[8] != ' ' {
		return e, false
	}
	sum, err := strconv.ParseUint(string(line[:8]), 16, 32)
	if err != nil || crc32.Checksum(line[9:], castagnoli) != uint32(sum) {
		return e, false
	}
	return e, json.Unmarshal(line[9:], &e) == nil && e.Key != ""
}

// get finds an answer.
func (j *Journal) get(key string) (entry, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	e, ok := j.by[key]
	return e, ok
}

// put writes an answer and returns when it is on the disk.
func (j *Journal) put(e entry) error { return j.write(e, true) }

// write is put; without sync it returns before: a process that is killed loses nothing
// then, a machine that loses its power may.
func (j *Journal) write(e entry, sync bool) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	line := fmt.Appendf(nil, "%08x %s\n", crc32.Checksum(text, castagnoli), text)
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, ok := j.by[e.Key]; ok {
		return nil
	}
	n, err := j.f.Write(line)
	if err == nil && sync {
		err = j.f.Sync()
	}
	if err != nil {
		if n > 0 && n < len(line) {
			j.f.Write([]byte("\n")) // so that the next line is whole; when even that fails, reading mends it
		}
		return fmt.Errorf("journal %s: %w: mend that and run the same command again, it goes on where it was", j.path, err)
	}
	j.by[e.Key] = e
	return nil
}

// Close ends the journal.
func (j *Journal) Close() error { return j.f.Close() }
