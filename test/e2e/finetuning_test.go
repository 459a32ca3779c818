package e2e

import (
	"os"
	"testing"
)

// OpenAI's own clients upload a file, train on it and chat with the result.
func TestPythonFineTuning(t *testing.T) {
	python := os.Getenv("GRAFT_E2E_PYTHON")
	if python == "" {
		t.Skip("GRAFT_E2E_PYTHON names no Python with the packages openai and ollama")
	}
	script(t, start(t), python, "finetuning_client.py")
}

func TestNodeFineTuning(t *testing.T) {
	program := nodeProgram(t, "finetuning_client.mjs")
	script(t, start(t), "node", program)
}
