// SPDX-License-Identifier: AGPL-3.0-or-later

package webkit

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Kept is a form that came when the session had ended. It goes through the
// sign-in in the browser's own pages, because nothing of a stranger's is stored.
type Kept struct {
	Path   string // where it was sent
	Values string // as a browser encodes a form; without passwords
}

// The fields of a page that passes a Kept on.
const (
	keptPath   = "kept-path"
	keptValues = "kept"
)

// keep returns what a form said, or nothing where there was no form.
func keep(r *http.Request) Kept {
	if r.Method != http.MethodPost || r.ParseForm() != nil || len(r.PostForm) == 0 {
		return Kept{}
	}
	values := url.Values{}
	for name, v := range r.PostForm {
		if !strings.Contains(name, "password") && !strings.Contains(name, "token") {
			values[name] = v
		}
	}
	return Kept{r.URL.Path, values.Encode()}
}

// KeptOf returns the form that a page passed on; the zero value if there is none.
func KeptOf(r *http.Request) Kept {
	k := Kept{r.PostFormValue(keptPath), r.PostFormValue(keptValues)}
	if !local(k.Path) {
		return Kept{}
	}
	return k
}

// Passed are the hidden fields that pass it on to the next page.
func (k Kept) Passed() []Pair {
	if k.Path == "" {
		return nil
	}
	return []Pair{{keptPath, k.Path}, {keptValues, k.Values}}
}

// Fields are the fields of the form itself.
func (k Kept) Fields() []Pair {
	values, err := url.ParseQuery(k.Values)
	if err != nil {
		return nil
	}
	var out []Pair
	for _, name := range slices.Sorted(maps.Keys(values)) {
		for _, v := range values[name] {
			out = append(out, Pair{name, v})
		}
	}
	return out
}
