// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"coopkit/appliance"
	"coopkit/internal/hostname"
	"coopkit/internal/problem"
	"coopkit/internal/webkit"
	"coopkit/recipes"
)

// settingPrefix begins the names of the fields of the recipe's own questions.
const settingPrefix = "set-"

// answers are what a person wants of a new app, as it was typed.
type answers struct {
	recipe *recipes.Recipe
	values url.Values
}

// value is the answer of a field, or its default while nothing was sent.
func (a answers) value(field, preset string) string {
	if !a.sent() {
		return preset
	}
	return strings.TrimSpace(a.values.Get(field))
}

// sent reports whether the form was filled in.
func (a answers) sent() bool { return a.values.Has("host") }

// setting is the answer to one of the recipe's questions.
func (a answers) setting(s recipes.Setting) string {
	v := a.value(settingPrefix+s.Name, s.Default)
	if s.Type != "bool" || !a.sent() {
		return v
	}
	return fmt.Sprint(v == "yes")
}

// request is what the agent is asked for.
func (a answers) request(hash string) appliance.AddApp {
	req := appliance.AddApp{
		Recipe: a.recipe.Name, Name: a.value("name", ""), Title: a.value("title", ""), Host: a.value("host", ""), PlanHash: hash, Settings: map[string]string{},
	}
	for _, s := range a.recipe.Settings {
		req.Settings[s.Name] = a.setting(s)
	}
	return req
}

// pairs are the fields, to send along with the next form.
func (a answers) pairs() []webkit.Pair {
	out := []webkit.Pair{{Name: "title", Value: a.value("title", "")}, {Name: "name", Value: a.value("name", "")}, {Name: "host", Value: a.value("host", "")}}
	for _, s := range a.recipe.Settings {
		out = append(out, webkit.Pair{Name: settingPrefix + s.Name, Value: a.value(settingPrefix+s.Name, "")})
	}
	return out
}

// query is the same, for the address of the plan and of the form.
func (a answers) query() string {
	v := url.Values{}
	for _, p := range a.pairs() {
		v.Set(p.Name, p.Value)
	}
	return v.Encode()
}

// check adds what is to be put right to the page, in the order of the fields.
func (a answers) check(p *webkit.Page) {
	if _, err := appliance.ParseTitle(a.value("title", "")); err != nil {
		p.Fail("title", p.T("apps.wrong.title", "most", appliance.MaxTitle))
	}
	if text := wrongHost(p, a.value("host", "")); text != "" {
		p.Fail("host", text)
	}
	for _, s := range a.recipe.Settings {
		only := &recipes.Recipe{Name: a.recipe.Name, Settings: []recipes.Setting{s}}
		if _, err := recipes.CheckSettings(only, map[string]string{s.Name: a.setting(s)}); err != nil {
			p.Fail(settingPrefix+s.Name, wrongSetting(p, s, a.setting(s)))
		}
	}
	if name := a.value("name", ""); name != "" {
		if _, err := appliance.ParseInstallName(name); err != nil {
			p.Fail("name", p.T("apps.wrong.name"))
		}
	}
}

// wrongHost says how to put an address right; nothing if it is right.
func wrongHost(p *webkit.Page, typed string) string {
	if _, err := hostname.Parse(typed); err == nil {
		return ""
	}
	bare := typed
	if _, rest, found := strings.Cut(bare, "://"); found {
		bare = rest
	}
	bare, _, _ = strings.Cut(bare, "/")
	bare = strings.Join(strings.Fields(bare), "")
	fixed, err := hostname.Parse(bare)
	switch {
	case typed == "":
		return p.T("apps.wrong.host.empty")
	case err != nil:
		return p.T("apps.wrong.host")
	case strings.ContainsAny(typed, "/:"):
		return p.T("apps.wrong.host.url", "fixed", fixed)
	default:
		return p.T("apps.wrong.host.space", "typed", typed, "fixed", fixed)
	}
}

func wrongSetting(p *webkit.Page, s recipes.Setting, answer string) string {
	title := cmp.Or(in(p.Locale, s.Title), s.Name)
	switch {
	case answer == "":
		return p.T("apps.wrong.empty", "title", title)
	case s.Type == "email":
		return p.T("apps.wrong.email", "title", title)
	case s.Type == "number":
		return p.T("apps.wrong.number", "title", title)
	default:
		return p.T("apps.wrong.form", "title", title)
	}
}

// refused turns what the agent refuses into the error of a field; false for
// what no field can put right.
func refused(p *webkit.Page, err error) bool {
	switch {
	case errors.Is(err, &problem.Problem{Code: "install-exists"}):
		p.Fail("name", p.T("apps.wrong.name.taken"))
	case errors.Is(err, &problem.Problem{Code: "data-in-the-way"}):
		p.Fail("name", p.T("apps.wrong.name.data"))
	case errors.Is(err, &problem.Problem{Code: "address-taken"}):
		p.Fail("host", p.T("apps.wrong.host.taken"))
	case errors.Is(err, &problem.Problem{Code: "record-in-the-way"}):
		p.Fail("host", p.T("apps.wrong.host.record"))
	default:
		return false
	}
	return true
}

// fields are the questions, with the answers so far.
func (a answers) fields(p *webkit.Page, preset suggestion) []webkit.Field {
	out := []webkit.Field{
		{
			Name: "title", Label: p.T("apps.field.title"), Hint: p.T("apps.field.title.hint"), Error: p.Error("title"),
			Value: a.value("title", preset.title), Autocomplete: "off",
		},
		{
			Name: "host", Label: p.T("apps.field.host"), Hint: p.T("apps.field.host.hint"), Error: p.Error("host"),
			Value: a.value("host", preset.host), Plain: true, Autocomplete: "off",
		},
	}
	for _, s := range a.recipe.Settings {
		out = append(out, a.field(p, s))
	}
	return append(out, webkit.Field{
		Name: "name", Label: p.T("apps.field.name"), Hint: p.T("apps.field.name.hint"), Error: p.Error("name"),
		Value: a.value("name", preset.name), Plain: true, Autocomplete: "off",
	})
}

func (a answers) field(p *webkit.Page, s recipes.Setting) webkit.Field {
	f := webkit.Field{
		Name: settingPrefix + s.Name, Label: cmp.Or(in(p.Locale, s.Title), s.Name), Hint: in(p.Locale, s.Help),
		Error: p.Error(settingPrefix + s.Name), Value: a.setting(s),
	}
	switch s.Type {
	case "email":
		f.Kind, f.Autocomplete = "email", "email"
	case "number":
		f.Kind = "number"
	case "bool":
		f.Kind = "check"
		if f.Value == "true" {
			f.Value = "yes"
		}
	case "choice":
		f.Kind = "select"
		for _, c := range s.Choices {
			f.Options = append(f.Options, webkit.Pair{Name: c, Value: c})
		}
	}
	return f
}

// suggestion is what the form begins with.
type suggestion struct{ title, name, host string }

// suggest offers an everyday name in the language of the co-op and a name that
// are free, and an address below the first zone of this box.
func (a *pages) suggest(ctx context.Context, r *recipes.Recipe) (s suggestion, err error) {
	all, err := a.Box.Apps.List(ctx)
	if err != nil {
		return s, err
	}
	settings, err := a.Box.Box.Settings(ctx)
	if err != nil {
		return s, err
	}
	s.title = unused(everyday(a.UI.Bundle().In(settings.Language), r), "%s %d", func(title string) bool {
		_, taken := appliance.SameTitle(all, "", title)
		return taken
	})
	s.name = unused(r.Name, "%s-%d", func(name string) bool {
		return slices.ContainsFunc(all, func(app appliance.App) bool { return string(app.Name) == name })
	})
	zones, err := a.Box.Names.Zones(ctx)
	if err == nil && len(zones) > 0 {
		s.host = s.name + "." + zones[0].Zone
	}
	return s, err
}

// unused is a name that is not taken: the wanted one, or with a number.
func unused(want, numbered string, taken func(string) bool) string {
	name := want
	for n := 2; taken(name); n++ {
		name = fmt.Sprintf(numbered, want, n)
	}
	return name
}

// sent reads the answers of a request: from its address, or from its form.
func (a *pages) sent(r *http.Request) (answers, error) {
	rec, err := a.Box.Recipes.Show(r.Context(), r.PathValue("recipe"))
	if err != nil {
		return answers{}, err
	}
	return answers{recipe: rec, values: r.Form}, nil
}
