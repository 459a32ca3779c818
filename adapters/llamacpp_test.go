package adapters_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"graft/adapters"
	"graft/adapters/adapterstest"
	"graft/internal/hub/hubtest"
	"graft/internal/kernel"
	"graft/internal/tokenizer"
	"graft/internal/weights"
)

// llamaServer starts llama.cpp's server, when GRAFT_TEST_LLAMA_CPP names the folder
// of its programs:
//
//	GRAFT_TEST_LLAMA_CPP=FOLDER go test ./adapters -run LlamaCpp -v
func llamaServer(t *testing.T, args ...string) string {
	t.Helper()
	dir := os.Getenv("GRAFT_TEST_LLAMA_CPP")
	if dir == "" {
		t.Skip("GRAFT_TEST_LLAMA_CPP names no folder with llama-server")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	l.Close()
	cmd := exec.Command(filepath.Join(dir, "llama-server"), append(args, "--host", "127.0.0.1", "--port", port, "-c", "512", "-t", "2", "-ctk", "f32", "-ctv", "f32", "-fa", "off")...)
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+dir)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
	})
	url := "http://127.0.0.1:" + port
	for range 1200 {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("llama-server ended: %v\n%s", err, &log)
		case <-time.After(100 * time.Millisecond):
		}
		if resp, err := http.Get(url + "/health"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == 200 {
				return url
			}
		}
	}
	t.Fatal("llama-server does not answer")
	return ""
}

// llamaGreedy writes n tokens after ids, with their log-probabilities.
func llamaGreedy(t *testing.T, url string, ids []int32, n int) (tokens []int32, logprobs []float64) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"prompt": ids, "n_predict": n, "temperature": 0, "n_probs": 1, "return_tokens": true, "ignore_eos": false})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(url+"/completion", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("%s: %s, %v", resp.Status, data, err)
	}
	var out struct {
		Tokens        []int32 `json:"tokens"`
		Probabilities []struct {
			ID      int32   `json:"id"`
			Logprob float64 `json:"logprob"`
		} `json:"completion_probabilities"`
	}
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	for _, p := range out.Probabilities {
		logprobs = append(logprobs, p.Logprob)
	}
	if len(out.Tokens) == 0 || len(logprobs) != len(out.Tokens) {
		t.Fatalf("%s", data)
	}
	return out.Tokens, logprobs
}

// sameAnswer compares what llama.cpp writes with what graft computes of a model:
// the same tokens, and log-probabilities as near as F16 activations allow.
func sameAnswer(t *testing.T, url, graft string, tok *tokenizer.Tokenizer, ids []int32, most float64) []int32 {
	t.Helper()
	have, theirs := llamaGreedy(t, url, ids, 24)
	want, rows := greedy(t, loaded(t, graft), ids, len(have))
	if !slices.Equal(have, want) {
		t.Errorf("llama.cpp writes %q\ngraft writes %q", tok.Decode(have, false), tok.Decode(want, false))
		return want
	}
	var ours []float64
	for i, id := range want {
		ours = append(ours, logprob(rows[i], id))
	}
	mean, worst := meanDifference(ours, theirs)
	if worst > most {
		t.Errorf("log-probabilities are up to %.2g apart", worst)
	}
	t.Logf("%d greedy tokens equal, log-probabilities %.2g apart in the mean, %.2g at most: %q", len(want), mean, worst, tok.Decode(want, true))
	return want
}

// TestLlamaCppMerged: llama.cpp loads merged GGUF files of each type and writes
// what graft does.
func TestLlamaCppMerged(t *testing.T) {
	if os.Getenv("GRAFT_TEST_LLAMA_CPP") == "" {
		t.Skip("GRAFT_TEST_LLAMA_CPP names no folder with llama-server")
	}
	path, tok, b := realBase(t)
	ids := tok.Encode(prompt, tokenizer.EncodeOptions{ParseSpecial: true})
	base, _ := greedy(t, loaded(t, path), ids, 24)
	for typ, most := range map[kernel.Type]float64{kernel.F32: 0.01, kernel.F16: 0.02} {
		t.Run(typ.String(), func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "merged.gguf")
			if err := b.ExportGGUF(file, adapters.ExportOptions{Path: path, Type: typ}); err != nil {
				t.Fatal(err)
			}
			if tokens := sameAnswer(t, llamaServer(t, "-m", file), file, tok, ids, most); slices.Equal(tokens, base[:len(tokens)]) {
				t.Error("the base writes the same: the test shows nothing")
			}
		})
	}
}

// TestLlamaCppQuantised: of merged files in Q8_0 and BF16, llama.cpp makes the same as
// of those that its own program made of the merged F32. It rounds activations to the
// same width, so its answers are not graft's.
func TestLlamaCppQuantised(t *testing.T) {
	dir := os.Getenv("GRAFT_TEST_LLAMA_CPP")
	if dir == "" {
		t.Skip("GRAFT_TEST_LLAMA_CPP names no folder with llama-quantize")
	}
	path, tok, b := realBase(t)
	ids := tok.Encode(prompt, tokenizer.EncodeOptions{ParseSpecial: true})
	tmp := t.TempDir()
	wide := filepath.Join(tmp, "f32.gguf")
	if err := b.ExportGGUF(wide, adapters.ExportOptions{Path: path, Type: kernel.F32}); err != nil {
		t.Fatal(err)
	}
	for _, typ := range []kernel.Type{kernel.Q8_0, kernel.BF16} {
		ours, theirs := filepath.Join(tmp, typ.String()+".gguf"), filepath.Join(tmp, "their-"+typ.String()+".gguf")
		if err := b.ExportGGUF(ours, adapters.ExportOptions{Path: path, Type: typ}); err != nil {
			t.Fatal(err)
		}
		quantise := exec.Command(filepath.Join(dir, "llama-quantize"), wide, theirs, typ.String(), "2")
		quantise.Env = append(os.Environ(), "LD_LIBRARY_PATH="+dir)
		if out, err := quantise.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		have, haveLog := llamaGreedy(t, llamaServer(t, "-m", ours), ids, 8)
		want, wantLog := llamaGreedy(t, llamaServer(t, "-m", theirs), ids, 8)
		if !slices.Equal(have, want) || !slices.Equal(haveLog, wantLog) {
			t.Errorf("%v: llama.cpp writes %v %v\nof its own file %v %v", typ, have, haveLog, want, wantLog)
		}
		t.Logf("%v: %d tokens and log-probabilities are equal: %q", typ, len(have), tok.Decode(have, true))
	}
}

// TestLlamaCppGemma: norms and the shared table of Gemma 3 survive.
func TestLlamaCppGemma(t *testing.T) {
	if os.Getenv("GRAFT_TEST_LLAMA_CPP") == "" {
		t.Skip("GRAFT_TEST_LLAMA_CPP names no folder with llama-server")
	}
	path := hubtest.Model(t, "gemma-3-270m")
	g, err := weights.OpenGGUF(path)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.FromGGUF(g.Meta)
	if err != nil {
		t.Fatal(err)
	}
	g.Close()
	m := loaded(t, path)
	b := check(t, m, adapterstest.Random(t, m, 8, []string{"q_proj", "v_proj", "down_proj"}, 3, 0.02))
	file := filepath.Join(t.TempDir(), "merged.gguf")
	if err := b.ExportGGUF(file, adapters.ExportOptions{Path: path, Type: kernel.F16}); err != nil {
		t.Fatal(err)
	}
	ids := tok.Encode("The three longest rivers of Europe are", tokenizer.EncodeOptions{AddSpecial: true})
	sameAnswer(t, llamaServer(t, "-m", file), file, tok, ids, 0.05)
}

// TestLlamaCppLoRA: llama-server with the adapter as a GGUF file writes what graft
// computes of base and adapter. The base is written as F16, so that llama.cpp's
// activations in 8 bits do not blur the comparison.
func TestLlamaCppLoRA(t *testing.T) {
	if os.Getenv("GRAFT_TEST_LLAMA_CPP") == "" {
		t.Skip("GRAFT_TEST_LLAMA_CPP names no folder with llama-server")
	}
	path, tok, b := realBase(t)
	dir := t.TempDir()
	base, lora, merged := filepath.Join(dir, "base.gguf"), filepath.Join(dir, "lora.gguf"), filepath.Join(dir, "merged.gguf")
	nothing := check(t, b.Base.Model(), adapterstest.Random(t, b.Base.Model(), 1, []string{"q_proj"}, 1, 0))
	if err := nothing.ExportGGUF(base, adapters.ExportOptions{Path: path, Type: kernel.F16}); err != nil {
		t.Fatal(err)
	}
	if err := adapters.WriteGGUF(lora, b.Adapter, &b.Base.Model().Config); err != nil {
		t.Fatal(err)
	}
	if err := check(t, loaded(t, base), b.Adapter).ExportGGUF(merged, adapters.ExportOptions{Path: base, Type: kernel.F32}); err != nil {
		t.Fatal(err)
	}
	ids := tok.Encode(prompt, tokenizer.EncodeOptions{ParseSpecial: true})
	tokens := sameAnswer(t, llamaServer(t, "-m", base, "--lora", lora), merged, tok, ids, 0.02)
	if plain, _ := greedy(t, loaded(t, base), ids, len(tokens)); slices.Equal(plain, tokens) {
		t.Error("the base writes the same: the test shows nothing")
	}
}
