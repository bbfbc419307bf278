// SPDX-License-Identifier: AGPL-3.0-or-later

package base

import (
	"fmt"

	"coopkit/internal/term"
)

// Bytes says what is used of memory or disk; "-" when it is not known.
func Bytes(n *float64) string {
	if n == nil {
		return "-"
	}
	return term.Bytes(int64(*n))
}

// Share says which part of all processors is used; "-" when it is not known.
func Share(share *float64) string {
	if share == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", *share*100)
}
