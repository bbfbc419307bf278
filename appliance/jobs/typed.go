// SPDX-License-Identifier: AGPL-3.0-or-later

package jobs

import (
	"context"
	"encoding/json"
	"fmt"
)

// Typed makes a Builder of one that takes its input decoded.
func Typed[T any](build func(ctx context.Context, in T) ([]Step, error)) Builder {
	return func(ctx context.Context, raw json.RawMessage) ([]Step, error) {
		var in T
		if err := json.Unmarshal(raw, &in); err != nil {
			return nil, fmt.Errorf("decode input of job: %w", err)
		}
		return build(ctx, in)
	}
}
