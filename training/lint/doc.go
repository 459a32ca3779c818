// Package lint looks for what spoils a training: rows that say nothing, twice the same
// or opposite things, leak what should stay private or come from the files a model is
// later judged by. Errors stop a training; warnings are for people to look at.
package lint
