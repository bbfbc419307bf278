// SPDX-License-Identifier: AGPL-3.0-or-later

package engine

import (
	"context"
	"fmt"

	"coopkit/appliance"
)

// Apply carries the steps out in order and stops at the first that fails; the
// error names it and keeps its Problem. It tells p what it does. Running the
// same steps again after a failure or a crash is safe; planning anew is better.
func Apply(ctx context.Context, e Engine, steps []Step, p appliance.Progress) error {
	for _, s := range steps {
		if err := context.Cause(ctx); err != nil {
			return fmt.Errorf("step %s: %w", s.Name(), err)
		}
		p.Log(s.Describe().String())
		if err := s.Do(ctx, e, p); err != nil {
			return fmt.Errorf("step %s: %w", s.Name(), err)
		}
	}
	return nil
}
