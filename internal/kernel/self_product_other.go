//go:build !amd64 || purego

package kernel

func (t *selfProduct) run() { t.generic() }
