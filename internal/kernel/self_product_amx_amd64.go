//go:build amd64 && !purego

package kernel

//go:noescape
func selfProductAMX(t *selfProduct)

// run computes the product with the path in use.
func (t *selfProduct) run() {
	if tiles {
		selfProductAMX(t)
		return
	}
	t.generic()
}
