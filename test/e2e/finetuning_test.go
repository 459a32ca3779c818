package e2e

import (
	"net"
	"os"
	"path/filepath"
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

// OpenAI's client takes the webhooks that tell the ends of jobs.
func TestPythonWebhooks(t *testing.T) {
	python := os.Getenv("GRAFT_E2E_PYTHON")
	if python == "" {
		t.Skip("GRAFT_E2E_PYTHON names no Python with the packages openai and ollama")
	}
	address := freeAddress(t)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte("training: {webhooks: [{url: 'http://"+address+"/hook'}]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GRAFT_WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8G")
	script(t, start(t, "--config", file), python, "webhook_client.py", port)
}
