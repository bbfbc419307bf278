// SPDX-License-Identifier: AGPL-3.0-or-later

package names

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"coopkit/internal/problem"
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

// copy is a zone of this box as a zone file, or as the lines of one the records
// to enter elsewhere.
func (n *names) copy(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	err := webkit.Download(w, name+".zone.txt", "text/plain; charset=utf-8", func(to io.Writer) error {
		return n.Box.Names.Export(r.Context(), name, to)
	})
	if !errors.Is(err, &problem.Problem{Code: "no-such-zone"}) {
		return err
	}
	v, err := n.examine(r)
	if err != nil {
		return err
	}
	return webkit.Download(w, v.Name+".zone.txt", "text/plain; charset=utf-8", func(to io.Writer) error {
		var b strings.Builder
		fmt.Fprintf(&b, "; %s\n", v.Name)
		for _, l := range v.Labels {
			fmt.Fprintf(&b, "%s. 3600 IN %s %s\n", full(l.Name, v.Registered), l.Type, l.Value)
		}
		_, err := io.WriteString(to, b.String())
		return err
	})
}

// full is a host again, from what short made of it.
func full(name, registered string) string {
	if name == "@" {
		return registered
	}
	return cmp.Or(name, registered) + "." + registered
}
