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

	"golang.org/x/net/publicsuffix"

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
	bare = spaceless(bare)
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

// spaceless is an address without the spaces in it: one before a whole name stands
// where a dot belongs, "wiki demo.coop".
func spaceless(typed string) string {
	words := strings.Fields(typed)
	if len(words) > 1 {
		last := words[len(words)-1]
		if whole, err := publicsuffix.EffectiveTLDPlusOne(last); err == nil && whole == last {
			return strings.Join(words[:len(words)-1], "") + "." + last
		}
	}
	return strings.Join(words, "")
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
		what, _, _ := webkit.Explain(p.Locale, problem.From(err, ""))
		p.Fail("host", p.T("apps.wrong.host.taken", "what", what))
	case errors.Is(err, &problem.Problem{Code: "record-in-the-way"}):
		p.Fail("host", p.T("apps.wrong.host.record"))
	default:
		return false
	}
	return true
}

// fields are the questions, with the answers so far: those that only a person can
// answer, and more, which have an answer that does.
func (a answers) fields(p *webkit.Page, preset suggestion) (asked, more []webkit.Field) {
	asked = []webkit.Field{
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
		if s.Default == "" && s.Required {
			asked = append(asked, a.field(p, s, preset))
		} else {
			more = append(more, a.field(p, s, preset))
		}
	}
	return asked, append(more, webkit.Field{
		Name: "name", Label: p.T("apps.field.name"), Hint: p.T("apps.field.name.hint"), Error: p.Error("name"),
		Value: a.value("name", preset.name), Plain: true, Autocomplete: "off",
	})
}

func (a answers) field(p *webkit.Page, s recipes.Setting, preset suggestion) webkit.Field {
	f := webkit.Field{
		Name: settingPrefix + s.Name, Label: cmp.Or(in(p.Locale, s.Title), s.Name), Hint: in(p.Locale, s.Help),
		Error: p.Error(settingPrefix + s.Name), Value: a.setting(s),
	}
	if !a.sent() {
		f.Value = cmp.Or(preset.settings[s.Name], f.Value)
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
			f.Options = append(f.Options, webkit.Pair{Name: s.Label(c, p.Lang), Value: c})
		}
	}
	return f
}

// suggestion is what the form begins with.
type suggestion struct {
	title, name, host string
	settings          map[string]string // by the name of the setting
}

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
		s.host = unused(r.Suggested(), "%s-%d", func(label string) bool {
			return slices.ContainsFunc(all, func(app appliance.App) bool {
				return slices.Contains(app.Addresses, hostname.Name(label+"."+zones[0].Zone))
			})
		}) + "." + zones[0].Zone
	}
	s.settings = presets(r, all, settings.Language)
	return s, err
}

// presets answer what was answered before: an e-mail address as the newest app has
// it, and the language of the co-op where a choice is one.
func presets(r *recipes.Recipe, all []appliance.App, lang string) map[string]string {
	out := map[string]string{}
	for _, s := range r.Settings {
		if s.Type == "email" {
			var newest appliance.App
			for _, app := range all {
				if app.Settings[s.Name] != "" && app.Created.After(newest.Created) {
					newest = app
				}
			}
			out[s.Name] = newest.Settings[s.Name]
		}
		if s.Name == "language" {
			i := slices.IndexFunc(s.Choices, func(c string) bool { return c == lang || strings.HasPrefix(c, lang+"_") })
			if i >= 0 {
				out[s.Name] = s.Choices[i]
			}
		}
	}
	return out
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
