// Package hub knows where models come from. A catalog names models, their
// licences, files and sha256; Pull fetches one from the first source that has
// it, verifies it, and keeps it under a directory of models:
//
//	id or path ──Find──► installed? ──► Local{Path}
//	     │ no
//	     └─Pull──► lock ─► source 1 ─fails─► source 2 … ─► sha256 ─► fsync, rename ─► manifest.json
//
// A model is installed when its manifest is there, which is written last. Each
// directory of a model is written under a lock, so that two processes that
// start together share one download. What a broken download left is continued.
package hub
