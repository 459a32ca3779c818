// Package graders scores answers as OpenAI's graders do: string_check,
// text_similarity, score_model, label_model, and multi, which computes one number
// from several of them. Their texts are templates over two namespaces, item (a row
// of data) and sample (what a model answered).
//
//	Spec (as sent) ── Compile ──▶ Grader ── Grade(item, sample) ──▶ Result
//	                                 └─ asks a Judge, or measures a Similarity
//
// Python graders are refused: graft runs no code of clients.
package graders
