package bench

import "testing"

// TestAMDCores: AMD's manuals give families and models; those of other makers stay out of it.
func TestAMDCores(t *testing.T) {
	for info, want := range map[string]string{
		"vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 1\nmodel name\t: AMD EPYC\n":  "Zen 3",
		"vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\n": "Zen 4",
		"vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 33\n":                         "Zen 3",
		"vendor_id\t: AuthenticAMD\ncpu family\t: 26\nmodel\t\t: 2\n":                          "Zen 5",
		"vendor_id\t: AuthenticAMD\ncpu family\t: 23\nmodel\t\t: 49\n":                         "Zen 2",
		"vendor_id\t: AuthenticAMD\ncpu family\t: 99\nmodel\t\t: 1\n":                          "",
		"vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 143\n":                         "",
	} {
		if have := amdCores(info); have != want {
			t.Errorf("%q: %q, want %q", info, have, want)
		}
	}
}
