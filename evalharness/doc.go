// Package evalharness says whether an adapter beats its base model with the base's
// best prompt, on cases that neither has seen.
//
//	task.yaml ─ settings, hashed before anything is asked (pre-registration)
//	   │
//	gold set ─ refused if any of it is in the training rows, the examples, or dev
//	   │
//	dev rows ─ search the base's best prompt; the winner is frozen by its hash
//	   │
//	arms × cases ─ interleaved; each answer is in the journal before it counts
//	   │
//	metrics/ ─ a value per case and per arm
//	   │
//	stats/ ─ paired test, intervals, guards → verdict
//	   │
//	Result ─ one JSON document: all that report/ renders and the API shows
//
// The parts know little of each other: metrics/ knows no arms, stats/ works on
// slices of numbers, forgetting/ scores a model by log-probabilities, rating/ collects
// the votes of people, report/ reads a Result and nothing else.
package evalharness
