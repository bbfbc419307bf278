// SPDX-License-Identifier: AGPL-3.0-or-later

package names

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"coopkit/appliance"
	"coopkit/internal/hostname"
	"coopkit/internal/problem"
	"coopkit/internal/webkit"
)

// addRedirect sends visitors of a host elsewhere. Taking it away again is its
// way back, so nothing is asked first. The values come from the form, or from
// the path of an undo.
func (n *names) addRedirect(w http.ResponseWriter, r *http.Request) error {
	typed, target := r.FormValue("host"), r.FormValue("target")
	host, err := hostname.Parse(typed)
	if err == nil {
		job, again := n.Box.Redirects.Add(r.Context(), appliance.Redirect{Host: string(host), Target: target})
		if again == nil {
			return n.UI.Redirect(w, r, fmt.Sprintf("/jobs/%d", job.ID))
		}
		err = again
	}
	p, ok := errors.AsType[*problem.Problem](err)
	if !ok || p.Kind != problem.Invalid && p.Kind != problem.Conflict {
		return err
	}
	v, listErr := n.listPage(r, typed, target)
	if listErr != nil {
		return listErr
	}
	v.failRedirect(p, typed)
	return n.UI.Render(w, http.StatusUnprocessableEntity, "names-list", v)
}

// failRedirect says at its field what is wrong.
func (v *listPage) failRedirect(p *problem.Problem, typed string) {
	what, why, _ := webkit.Explain(v.Locale, p)
	switch p.Code {
	case "redirect-loop":
		v.Target.Error = what + ". " + why + "."
		v.Fail("target", v.Target.Error)
		return
	case "redirect-target-invalid":
		v.Target.Error = v.T("names.redirect.target.bad")
		v.Fail("target", v.Target.Error)
		return
	case "host-name-invalid":
		what = v.T("names.new.invalid", "typed", clipped(typed))
	}
	v.Host.Error = what
	v.Fail("host", what)
}

func (n *names) removeRedirect(w http.ResponseWriter, r *http.Request) error {
	host := r.PathValue("host")
	target := ""
	all, err := n.Box.Redirects.List(r.Context())
	if err != nil {
		return err
	}
	for _, a := range all {
		if string(a.Host) == host {
			target = a.Target
		}
	}
	job, err := n.Box.Redirects.Remove(r.Context(), host)
	if err != nil {
		return err
	}
	l := n.UI.Locale(r)
	webkit.SetFlash(w, webkit.Flash{
		Text: l.T("names.redirect.removed", "host", host), Word: l.T("names.redirect.undo"),
		Undo: "/names/redirects?" + url.Values{"host": {host}, "target": {target}}.Encode(),
	})
	return n.UI.Redirect(w, r, fmt.Sprintf("/jobs/%d", job.ID))
}
