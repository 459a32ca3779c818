package adapters

// Digest is digest, for tests.
var Digest = digest
