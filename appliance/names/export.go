// SPDX-License-Identifier: AGPL-3.0-or-later

package names

import (
	"context"
	"io"

	"coopkit/dns/zonefile"
	"coopkit/internal/hostname"
)

// Export writes a zone of this box to w as a zone file (RFC 1035), which any
// name server reads. The errors are those of w, and Problems:
// "host-name-invalid", "no-such-zone".
func (n *Names) Export(ctx context.Context, name string, w io.Writer) error {
	h, err := hostname.Parse(name)
	if err != nil {
		return err
	}
	z, err := n.find(ctx, h)
	if err != nil {
		return err
	}
	return zonefile.Format(w, z.Zone)
}
