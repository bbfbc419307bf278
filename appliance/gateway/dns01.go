// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"context"
	"fmt"

	"github.com/mholt/acmez/v3/acme"
)

// TXTWriter sets the records that prove to a certificate authority that a name
// is ours. It knows which zone serves a name, and where a CNAME at it leads.
type TXTWriter interface {
	// SetTXT adds value to the TXT records of fqdn ("_acme-challenge.www.demo.coop.")
	// and returns when every authoritative server of the zone serves it.
	SetTXT(ctx context.Context, fqdn, value string) error
	// RemoveTXT takes the value away; one that is not there is no error.
	RemoveTXT(ctx context.Context, fqdn, value string) error
}

// dns01 solves ACME's dns-01 challenge with a TXTWriter. It keeps no state, so
// that one solver serves all orders.
type dns01 struct{ txt TXTWriter }

// Present publishes the proof and returns once it is seen everywhere.
func (d dns01) Present(ctx context.Context, c acme.Challenge) error {
	if err := d.txt.SetTXT(ctx, c.DNS01TXTRecordName()+".", c.DNS01KeyAuthorization()); err != nil {
		return fmt.Errorf("publish the proof for %s: %w", c.Identifier.Value, err)
	}
	return nil
}

// CleanUp takes the proof away again.
func (d dns01) CleanUp(ctx context.Context, c acme.Challenge) error {
	if err := d.txt.RemoveTXT(ctx, c.DNS01TXTRecordName()+".", c.DNS01KeyAuthorization()); err != nil {
		return fmt.Errorf("remove the proof for %s: %w", c.Identifier.Value, err)
	}
	return nil
}
