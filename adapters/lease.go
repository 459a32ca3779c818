package adapters

import "sync"

// NewLease is a lease that calls release once, at the first Release. Fakes of a
// registry make theirs with it too.
func NewLease(name, generation, base string, s Settings, release func()) *Lease {
	return &Lease{Name: name, Generation: generation, Base: base, Settings: s, release: sync.OnceFunc(release)}
}
