package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"graft/adapters"
	"graft/internal/hub/hubtest"
	"graft/internal/model"
)

// Adapters come, answer and go by the clients of other servers: `ollama create`
// and its kin, vLLM's and llama.cpp's routes, and OpenAI's client on graft's own.
func TestPythonLifecycle(t *testing.T) {
	python := os.Getenv("GRAFT_E2E_PYTHON")
	if python == "" {
		t.Skip("GRAFT_E2E_PYTHON names no Python with the packages openai and ollama")
	}
	root := t.TempDir()
	folder, gguf := filepath.Join(root, "sql"), filepath.Join(root, "other.gguf")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	writeAdapter(t, folder, 3)
	m, err := model.Load(hubtest.Model(t, chatModel), model.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	other := t.TempDir()
	writeAdapter(t, other, 4)
	a, err := adapters.ReadPEFT(other, adapters.Limits{})
	if err == nil {
		err = adapters.WriteGGUF(gguf, a, &m.Config)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GRAFT_ADAPTERS_ROOTS", root)
	script(t, start(t), python, "lifecycle_client.py", folder, gguf)
}
