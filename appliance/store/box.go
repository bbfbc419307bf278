// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"fmt"
)

// Box returns the identity of this box: 16 hexadecimal digits, drawn when the
// database was made.
func (s *Store) Box(ctx context.Context) (string, error) {
	var id string
	if err := s.db.Read().QueryRowContext(ctx, `SELECT id FROM box`).Scan(&id); err != nil {
		return "", fmt.Errorf("read identity of box: %w", err)
	}
	return id, nil
}
