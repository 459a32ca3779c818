package e2e

import (
	"os"
	"testing"
)

// OpenAI's own clients make an eval, run it, page through its output and grade texts.
func TestPythonEvals(t *testing.T) {
	python := os.Getenv("GRAFT_E2E_PYTHON")
	if python == "" {
		t.Skip("GRAFT_E2E_PYTHON names no Python with the packages openai and ollama")
	}
	script(t, start(t), python, "evals_client.py")
}

func TestNodeEvals(t *testing.T) {
	program := nodeProgram(t, "evals_client.mjs")
	script(t, start(t), "node", program)
}
