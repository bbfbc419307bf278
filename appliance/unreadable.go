// SPDX-License-Identifier: AGPL-3.0-or-later

package appliance

import "coopkit/internal/problem"

// Unreadable is the Problem of a record that cannot be used, as after a disk
// fault or a step back to an older program. Whoever finds one leaves it as it
// is, and everything else goes on.
func Unreadable(what string, err error) *problem.Problem {
	return &problem.Problem{
		Code: "record-unreadable", Kind: problem.Failed,
		What: "the record of " + what + " cannot be read, so it is left as it is",
		Why:  problem.Reason(err),
		Next: []string{
			"coopkit doctor",
			"install the version of coopkit that ran before",
			"ask your support desk",
		},
		Args: map[string]string{"name": what},
		Err:  err,
	}
}
