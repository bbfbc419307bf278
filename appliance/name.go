// SPDX-License-Identifier: AGPL-3.0-or-later

package appliance

// Zone is a DNS zone on this box with all its records, as people see it.
type Zone struct {
	Zone    string   `json:"zone"` // without the final dot
	Serial  uint32   `json:"serial"`
	Records []Record `json:"records"`
}

// Record is one DNS record and who owns it: "app:wordpress", "site:demo.coop",
// "zone" (SOA and NS), "acme", or "you". Name, Type and Data together are
// unique within a zone.
type Record struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	TTL   uint32 `json:"ttl"` // in seconds
	Data  string `json:"data"`
	Owner string `json:"owner"`
}

// NameCheck is the result of looking a host up where it counts.
type NameCheck struct {
	Host    string   `json:"host"`
	Want    []string `json:"want"`  // addresses of this box
	Found   []string `json:"found"` // what the server answered
	Server  string   `json:"server"`
	OK      bool     `json:"ok"`
	Problem string   `json:"problem,omitempty"`
	// Unanswered says that it could not be looked up, so nothing is known.
	Unanswered bool `json:"unanswered,omitempty"`
}

// ZoneCheck says whether the world asks this box for a zone.
type ZoneCheck struct {
	Zone  string   `json:"zone"`
	Want  []string `json:"want"`  // the zone's name servers, as this box says
	Found []string `json:"found"` // those that the world is sent to
	OK    bool     `json:"ok"`    // they are the same
	// Unanswered says that it could not be looked up, so nothing is known.
	Unanswered bool `json:"unanswered,omitempty"`
}

// ZoneChange asks to serve a zone, or to give it up.
type ZoneChange struct {
	Zone     string `json:"zone"`
	PlanHash string `json:"plan_hash,omitempty"` // refuse if the plan is another by now
}

// Redirect asks to send the visitors of a host to a URL.
type Redirect struct {
	Host   string `json:"host"`
	Target string `json:"target"`
}
