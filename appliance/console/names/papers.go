// SPDX-License-Identifier: AGPL-3.0-or-later

package names

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"

	"coopkit/internal/webkit"
)

// labels is the page to print: one label a record, with boxes to tick.
func (n *names) labels(w http.ResponseWriter, r *http.Request) error {
	v, err := n.examine(r)
	if err != nil {
		return err
	}
	v.Title = v.T("names.print.title", "name", v.Name)
	v.Heading, v.Lead = "", v.T("names.print.lead", "name", v.Registered)
	v.Crumbs = crumbs(v.Page, webkit.Link{Text: v.Name, Href: "/names/" + v.Name}, webkit.Link{Text: v.T("names.print.crumb")})
	return n.UI.Render(w, http.StatusOK, "names-labels", v)
}

// zoneFile is the records as text: those of a zone of this box, or those to
// enter elsewhere.
func (n *names) zoneFile(w http.ResponseWriter, r *http.Request) error {
	v, err := n.examine(r)
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "; %s\n", v.Name)
	for _, rec := range v.Records {
		fmt.Fprintf(&b, "%s. %d IN %s %s\n", rec.Name, rec.TTL, rec.Type, rec.Data)
	}
	if len(v.Records) == 0 {
		for _, l := range v.Labels {
			fmt.Fprintf(&b, "%s. 3600 IN %s %s\n", full(l.Name, v.Registered), l.Type, l.Value)
		}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+v.Name+`.zone.txt"`)
	_, err = w.Write([]byte(b.String()))
	return err
}

// full is a host again, from what short made of it.
func full(name, registered string) string {
	if name == "@" {
		return registered
	}
	return cmp.Or(name, registered) + "." + registered
}
