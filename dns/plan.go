// SPDX-License-Identifier: AGPL-3.0-or-later

package dns

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"coopkit/internal/problem"
)

// You owns every record that the ledger does not know: a person set it.
const You = "you"

// Ledger says who owns which record of a zone.
type Ledger map[ID]string

// Owner returns the owner of a record.
func (l Ledger) Owner(r Record) string {
	if owner := l[r.ID()]; owner != "" {
		return owner
	}
	return You
}

// Change is what one owner wants changed in a zone.
type Change struct {
	Owner  string
	Add    []Record
	Remove []Record
}

// Diff is what a change does to a zone. Its records are in the order of
// Compare.
type Diff struct {
	Zone   string
	Owner  string
	Add    []Record
	Remove []Record
	Keep   []Record // wanted, and there already
}

// Empty reports whether the diff changes nothing.
func (d Diff) Empty() bool { return len(d.Add) == 0 && len(d.Remove) == 0 }

// Inverse returns the diff that undoes d.
func (d Diff) Inverse() Diff {
	return Diff{Zone: d.Zone, Owner: d.Owner, Add: d.Remove, Remove: d.Add}
}

// Plan returns what change does to zone, without changing anything. Only
// records that change.Owner owns are removed. The errors are Problems:
// "record-in-the-way" when somebody else's records stand where one is to be
// added, "record-not-ours" when one that is to be removed belongs to somebody
// else, "apex-frozen" for SOA, NS and DS of the zone itself,
// "change-too-large" when records of more than 30 % of the names of a zone with
// ten or more would go, and those of Normalise.
func Plan(zone Zone, ledger Ledger, change Change) (Diff, error) {
	d := Diff{Zone: zone.Name, Owner: change.Owner}
	for _, r := range slices.Concat(change.Add, change.Remove) {
		if r.Name == zone.Name && (r.Type == "NS" || r.Type == "SOA" || r.Type == "DS") {
			return Diff{}, apexFrozen(zone, r)
		}
	}
	for _, r := range change.Remove {
		old, there := zone.find(r.ID())
		if !there {
			continue
		}
		if owner := ledger.Owner(old); owner != change.Owner {
			return Diff{}, notOurs(old, owner)
		}
		d.Remove = append(d.Remove, old)
	}
	for _, r := range change.Add {
		if err := d.add(zone, ledger, r); err != nil {
			return Diff{}, err
		}
	}
	slices.SortFunc(d.Add, Compare)
	slices.SortFunc(d.Remove, Compare)
	slices.SortFunc(d.Keep, Compare)
	if all, gone := names(zone.Records), names(d.Remove); all >= 10 && gone*10 > all*3 {
		return Diff{}, tooLarge(zone, gone, all)
	}
	_, err := Apply(zone, d, time.Unix(0, 0))
	return d, err
}

// names counts the names that records have.
func names(records []Record) int {
	seen := map[string]bool{}
	for _, r := range records {
		seen[r.Name] = true
	}
	return len(seen)
}

// add plans one record to be added.
func (d *Diff) add(zone Zone, ledger Ledger, r Record) error {
	r, err := NewRecord(r.Name, r.Type, r.TTL, r.Data)
	if err != nil {
		return err
	}
	if old, there := zone.find(r.ID()); there && !slices.Contains(d.Remove, old) {
		d.Keep = append(d.Keep, old)
		return nil
	}
	if slices.ContainsFunc(d.Add, func(a Record) bool { return a.ID() == r.ID() }) {
		return nil
	}
	for _, old := range zone.At(r.Name) {
		if slices.Contains(d.Remove, old) {
			continue
		}
		conflict := old.Type == "CNAME" || r.Type == "CNAME"
		if conflict || (old.Type == r.Type && ledger.Owner(old) != d.Owner) {
			return inTheWay(r, old, ledger.Owner(old))
		}
		if old.Type == r.Type {
			r.TTL = old.TTL
		}
	}
	if cut := zone.cutAbove(r.Name); cut != "" && !isGlue(r, cut) {
		ns := zone.RRset(Set{cut, "NS"})[0]
		return inTheWay(r, ns, ledger.Owner(ns))
	}
	d.Add = append(d.Add, r)
	return nil
}

// find returns the record with that identity.
func (z Zone) find(id ID) (Record, bool) {
	for _, r := range z.RRset(Set{id.Name, id.Type}) {
		if r.Data == id.Data {
			return r, true
		}
	}
	return Record{}, false
}

// Apply returns the zone after the diff, with the next serial, or the zone
// unchanged for an empty diff. The error is a Problem: "zone-changed" when the
// zone is no longer the one that the diff was made for, or those of Normalise.
func Apply(zone Zone, d Diff, now time.Time) (Zone, error) {
	if d.Empty() {
		return zone, nil
	}
	out := zone
	out.Records = slices.Clone(zone.Records)
	for _, r := range d.Remove {
		i := slices.Index(out.Records, r)
		if i < 0 {
			return Zone{}, changed(zone, r)
		}
		out.Records = slices.Delete(out.Records, i, i+1)
	}
	for _, r := range d.Add {
		if _, there := zone.find(r.ID()); there && slices.Contains(out.Records, r) {
			return Zone{}, changed(zone, r)
		}
		out.Records = append(out.Records, r)
	}
	out.Serial = NextSerial(zone.Serial, now)
	return out.Normalise()
}

// Apply returns the ledger after the diff; l itself stays as it is.
func (l Ledger) Apply(d Diff) Ledger {
	out := make(Ledger, len(l)+len(d.Add))
	maps.Copy(out, l)
	for _, r := range d.Remove {
		delete(out, r.ID())
	}
	for _, r := range d.Add {
		out[r.ID()] = d.Owner
	}
	return out
}

func apexFrozen(zone Zone, r Record) error {
	return &problem.Problem{
		Code: "apex-frozen", Kind: problem.Forbidden,
		What: "the " + r.Type + " records of " + zone.Name + " itself are not changed by a plan",
		Why:  "a mistake there takes the whole name off the Internet",
		Next: []string{"remove the zone and add it again with the name servers you want"},
	}
}

func inTheWay(want, old Record, owner string) error {
	return &problem.Problem{
		Code: "record-in-the-way", Kind: problem.Conflict,
		What: "a record stands in the way at " + want.Name + ": " + old.String(),
		Why:  "it belongs to " + ownerWords(owner) + ", and only records that we set ourselves are changed",
		Next: []string{
			"remove the " + old.Type + " record at " + old.Name + " and try again",
			"or choose another name than " + want.Name,
		},
	}
}

func notOurs(old Record, owner string) error {
	return &problem.Problem{
		Code: "record-not-ours", Kind: problem.Conflict,
		What: "the record " + old.String() + " is not ours to remove",
		Why:  "it belongs to " + ownerWords(owner),
		Next: []string{"remove it where it was set, then try again"},
	}
}

func ownerWords(owner string) string {
	if owner == You {
		return "you (it was set by hand)"
	}
	return "“" + owner + "”"
}

func tooLarge(zone Zone, gone, all int) error {
	return &problem.Problem{
		Code: "change-too-large", Kind: problem.Conflict,
		What: fmt.Sprintf("this would remove or replace records of %d of the %d names in %s", gone, all, zone.Name),
		Why:  "a change of more than 30 % of a zone is more often a mistake than wanted",
		Next: []string{"change the zone in smaller parts"},
	}
}

func changed(zone Zone, r Record) error {
	return &problem.Problem{
		Code: "zone-changed", Kind: problem.Conflict,
		What: "the zone " + zone.Name + " was changed by somebody else meanwhile",
		Why:  "the plan was made for another state of the record " + r.String(),
		Next: []string{"make the plan again"},
	}
}
