// Package replay trains a given adapter on given batches of token ids, exactly as a
// file says, so that any other trainer can be compared with graft step by step.
//
//	batches.json  [{"ids": [[…], …], "labels": [[…], …], "mask": [[…], …]}, …]   one object a step
//	config.json   {"lora": {…}, "optimizer": "AdamW", "betas": […], "eps", "lr", "weight_decay",
//	              "schedule", "max_grad_norm", "steps", "batch_size"}
//
// Rows, labels and losses are as transformers has them: labels stand at the positions of
// the tokens they are, -100 is not trained on, and the loss of a step is the mean over
// all labels that count in it. Nothing is drawn: with a dropout of 0 two trainers differ
// by rounding alone.
package replay
