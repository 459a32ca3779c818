// Package dataset turns files of training rows into examples: token ids and the
// weight of each as a target. Conversations are written by the model's own chat
// template, by the code that serving uses, and every example is held to begin with
// exactly the tokens that serving would send.
//
// A file has one JSON object a line, of one kind:
//
//	{"messages": […], "tools": […], "parallel_tool_calls": …, "functions": […]}
//	{"prompt": "…", "completion": "…"}
//	{"input": {"messages": […], …}, "preferred_output": […], "non_preferred_output": […]}
//
// An assistant message may have a "weight" of 0 or 1; 0 is not trained.
package dataset
