// SPDX-License-Identifier: AGPL-3.0-or-later

package change

import (
	"coopkit/appliance"
	"coopkit/internal/term"
)

// Images reads the value of --images of a command; empty is the usual order.
func Images(command, s string) (appliance.ImageSource, error) {
	v := appliance.ImageSource(s)
	if v == "" || v == appliance.FromRegistry || v == appliance.FromDebian {
		return v, nil
	}
	return "", term.Usage(command, "images do not come from “"+s+"”", "write --images registry or --images debian")
}
