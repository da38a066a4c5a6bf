package apply

import (
	"context"

	"restencil/renderer"
)

// swap puts all in place, or nothing.
func (tx *transaction) swap(ctx context.Context) bool {
	if tx.tools.Before != nil {
		var err error
		if tx.extra, err = tx.tools.Before(); err != nil {
			tx.out.Step = Swap
			return tx.fail(err)
		}
	}
	tx.equip()
	if !tx.changes(renderer.Replaced, renderer.Repaired) {
		return true
	}
	if !tx.enter(ctx, Swap) {
		return false
	}
	if err := tx.noteBegin(); err != nil {
		return tx.fail(err)
	}
	results, err := renderer.SwapAll(tx.staged...)
	tx.out.Files = results
	if err == nil {
		tx.noteSwapped()
		return true
	}
	tx.fail(err)
	if tx.putBack() {
		tx.noteUndone()
	}
	return false
}

// equip gives the reload its environment.
func (tx *transaction) equip() {
	if tx.ReloadEnv == nil {
		return
	}
	var changed []string
	for i, s := range tx.staged {
		if s.Change() == renderer.Replaced {
			changed = append(changed, tx.Members[i].File.Path)
		}
	}
	tx.Reload.Env = tx.ReloadEnv(changed)
}

// putBack undoes the swap, as far as it was done.
func (tx *transaction) putBack() bool {
	if err := renderer.Restore(tx.staged...); err != nil {
		tx.out.RollbackErr = err
		tx.stuck = true
		return false
	}
	return true
}
