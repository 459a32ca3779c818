//go:build !amd64 || purego

package kernel

// asksAhead: there is nothing to ask with.
var asksAhead bool

func askAhead(on bool) { asksAhead = on }
