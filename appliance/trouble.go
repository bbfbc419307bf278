// SPDX-License-Identifier: AGPL-3.0-or-later

package appliance

// TroubleKind says what kind of thing cannot be used.
type TroubleKind string

// The kinds of trouble. Those up to TroubleZone keep visitors out of something;
// with the others everything is served.
const (
	TroubleApp       TroubleKind = "app"       // an install whose records cannot be read
	TroubleSite      TroubleKind = "site"      // a site whose files are not there
	TroubleAddress   TroubleKind = "address"   // a host for which there is no usable route
	TroubleZone      TroubleKind = "zone"      // a zone that is not valid
	TroublePart      TroubleKind = "part"      // a part of the agent that does not run; Name is the part's
	TroubleAuthority TroubleKind = "authority" // the certificate authority on the box
	TroubleDesk      TroubleKind = "desk"      // the link to the support desk
	TroubleRecipe    TroubleKind = "recipe"    // an entry of the catalogue
	TroubleFindings  TroubleKind = "findings"  // what the checks remember
)

// Closes reports whether trouble of the kind keeps visitors out of something.
func (k TroubleKind) Closes() bool {
	switch k {
	case TroubleApp, TroubleSite, TroubleAddress, TroubleZone:
		return true
	case TroublePart, TroubleAuthority, TroubleDesk, TroubleRecipe, TroubleFindings:
	}
	return false
}

// Trouble is one thing of this box that cannot be used while everything else
// can. The part that notices it leaves the thing out, goes on, and reports it;
// the checks make a finding of it.
type Trouble struct {
	Kind  TroubleKind
	Name  string // host, install, zone, recipe or part; empty where there is one only
	Title string // what people call it; empty: Name
	Err   error
}
