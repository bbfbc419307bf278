// SPDX-License-Identifier: AGPL-3.0-or-later

package sites

import (
	"net/http"
	"time"

	"coopkit/appliance"
	"coopkit/internal/webkit"
)

type listPage struct {
	*webkit.Page
	Sites   []listed
	Actions []webkit.Action
	Empty   webkit.Empty
}

// listed is one site in the list.
type listed struct {
	appliance.Site
	Href, Size string
}

func (s *site) list(w http.ResponseWriter, r *http.Request) error {
	all, err := s.Box.Sites.List(r.Context())
	if err != nil {
		return err
	}
	v := listPage{Page: s.UI.NewPage(r, "sites.title")}
	publish := webkit.Action{Text: v.T("sites.publish"), Href: "/sites/new", Kind: "go", Icon: "globe"}
	if len(all) == 0 {
		v.Lead = v.T("sites.none")
		v.Empty = webkit.Empty{Icon: "globe", Title: v.T("sites.empty.title"), Text: v.T("sites.empty.text"), Actions: []webkit.Action{publish}}
		return s.UI.Render(w, http.StatusOK, "sites-list", v)
	}
	v.Actions = []webkit.Action{publish}
	var newest time.Time
	for _, a := range all {
		if a.Created.After(newest) {
			newest = a.Created
		}
		v.Sites = append(v.Sites, listed{Site: a, Href: sitePath(string(a.Host)), Size: size(v.Page, a.Files, a.Bytes)})
	}
	v.Lead = v.T("sites.count", "count", len(all), "when", v.Locale.Ago(newest, v.Now))
	return s.UI.Render(w, http.StatusOK, "sites-list", v)
}

// size says how much a site is: 12 files, 3.4 MB.
func size(p *webkit.Page, files int, bytes int64) string {
	return p.T("sites.size", "count", files, "bytes", p.Bytes(uint64(max(0, bytes))))
}
