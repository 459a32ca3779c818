// Package evals runs OpenAI's evals: an eval has graders, a run gives them the
// answers of one model to the rows of its data.
//
//	CreateRun ──▶ the run and its rows, in one transaction ──▶ Work: ask, grade,
//	end the row and count it, in one transaction ──▶ completed
//
// What was accepted survives being killed. A row ends once, in the transaction that
// counts it, so nothing is counted twice; a row that was being asked for is asked
// for again. A run is bound to the generation that its model stood for when it was
// made: a name that is replaced meanwhile changes nothing of it.
package evals
