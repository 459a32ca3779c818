// Command graft serves a small language model behind the OpenAI API.
package main

import (
	_ "embed"
	"os"

	"graft/internal/cli"
)

//go:embed config.yaml
var configFile []byte

func main() {
	os.Exit(cli.Main(configFile, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
