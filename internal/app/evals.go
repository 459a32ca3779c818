package app

import "graft/evalharness/evals"

// openEvals opens the service of evals.
func (a *App) openEvals() {
	a.evals = evals.New(evals.Options{Store: a.store, Logger: a.log})
}
