//go:build unix

package tokenizer

import (
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// cpuTime is what this process has computed so far: other programs on the
// machine do not count.
func cpuTime(t testing.TB) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		t.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// A megabyte without a place to cut is encoded in less than two seconds by every
// kind of model, and takes about as much time a byte as a sixteenth of it does:
// nothing is quadratic.
func TestLongRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while")
	}
	const long, short, limit = 1 << 20, 1 << 16, 2 * time.Second
	for _, name := range []string{
		"bytelevel-smollm", "bytelevel-gpt-oss", "bytelevel-deepseek3", "bytelevel-nfc", "spbpe-mistral", "unigram-t5", "unigram-whole", "wordpiece-bert",
	} {
		tok := tinyVariant(t, name)
		for _, unit := range []string{"a", " ", "e\u0301", "<|im_", "\xff"} {
			run := func(n int) time.Duration {
				text := strings.Repeat(unit, n/len(unit))
				start := cpuTime(t)
				tok.Encode(text, EncodeOptions{ParseSpecial: true, AddSpecial: true})
				return cpuTime(t) - start
			}
			small := max(run(short), 5*time.Millisecond)
			if took := run(long); took > limit || took > 16*6*small {
				t.Errorf("%s: %q for %d bytes took %v, for %d %v", name, unit, long, took, short, small)
			}
		}
	}
}

// Runs of characters, each with more combining marks than fit a buffer.
func TestManyMarks(t *testing.T) {
	tok := tinyVariant(t, "bytelevel-nfc")
	text := "a" + strings.Repeat("\u0323\u0301", 40) + "b"
	want := "ạ" + strings.Repeat("\u0323", 39) + strings.Repeat("\u0301", 40) + "b"
	if have := tok.Decode(tok.Encode(text, EncodeOptions{}), false); have != want {
		t.Errorf("have %q\nwant %q", have, want)
	}
}

// One tokenizer serves many goroutines.
func TestConcurrentUse(t *testing.T) {
	texts, variants := tinyVariants(t)
	models := tinyModels(t)
	for _, v := range variants {
		switch v.Name {
		case "bytelevel-llama3", "spbpe-mistral", "unigram-t5", "wordpiece-bert":
		default:
			continue
		}
		tok := tinyTokenizer(t, v.tokenizerJSON(t, models))
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { v.check(t, tok, texts) })
		}
		wg.Wait()
	}
}
