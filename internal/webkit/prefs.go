// SPDX-License-Identifier: AGPL-3.0-or-later

package webkit

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"coopkit/internal/locale"
)

// The cookies beside the session's: what this browser prefers, and the one line
// that the next page shows. None of them is a secret.
const (
	langCookie  = "__Host-lang"
	themeCookie = "__Host-theme"
	flashCookie = "__Host-flash"
)

const year = 365 * 24 * 3600

func setCookie(w http.ResponseWriter, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: maxAge, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

func cookieValue(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

func theme(r *http.Request) string {
	t := cookieValue(r, themeCookie)
	if t != "light" && t != "dark" {
		return ""
	}
	return t
}

// preferences lets every page be asked for in another language or theme
// (?lang=es, ?theme=dark): the browser keeps it and comes back without it.
func (ui *UI) preferences(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		lang, look := q.Get("lang"), q.Get("theme")
		if r.Method != http.MethodGet || lang == "" && look == "" || strings.HasPrefix(r.URL.Path, "//") {
			next.ServeHTTP(w, r)
			return
		}
		if slices.Contains(locale.Langs(), lang) {
			setCookie(w, langCookie, lang, year)
		}
		switch look {
		case "light", "dark":
			setCookie(w, themeCookie, look, year)
		case "auto":
			setCookie(w, themeCookie, "", -1)
		}
		q.Del("lang")
		q.Del("theme")
		to := url.URL{Path: r.URL.Path, RawQuery: q.Encode()}
		http.Redirect(w, r, to.RequestURI(), http.StatusSeeOther) // a path of this site: "//" does not get here
	})
}

// Flash is the one line that the page after a change shows. Text and Undo are
// in the reader's language.
type Flash struct {
	Kind string `json:"k,omitempty"` // ok (empty) or warn
	Text string `json:"t"`
	Undo string `json:"u,omitempty"` // path that a button posts to
	Word string `json:"w,omitempty"` // of that button
}

// SetFlash keeps a line for the next page of this browser.
func SetFlash(w http.ResponseWriter, f Flash) {
	data, err := json.Marshal(f)
	if err != nil { // strings always encode
		return
	}
	setCookie(w, flashCookie, base64.RawURLEncoding.EncodeToString(data), 60)
}

func flashOf(r *http.Request) *Flash {
	data, err := base64.RawURLEncoding.DecodeString(cookieValue(r, flashCookie))
	if err != nil || len(data) == 0 {
		return nil
	}
	var f Flash
	if json.Unmarshal(data, &f) != nil || f.Undo != "" && !local(f.Undo) {
		return nil
	}
	return &f
}
