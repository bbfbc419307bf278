// SPDX-License-Identifier: AGPL-3.0-or-later

package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"coopkit/recipes"
)

func newShow(o *Options) *cobra.Command {
	return &cobra.Command{
		Use:     "show NAME",
		Short:   "Show one recipe: what it is, needs, asks and keeps",
		Example: "  coopkit recipe show wordpress",
		Args:    cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, r := range o.Catalogue.All() {
				names = append(names, r.Name+"\t"+r.Summary["en"])
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := o.Catalogue.Find(args[0])
			if err != nil {
				return err
			}
			return o.Show(r, func() error { return o.show(r) })
		},
	}
}

func (o *Options) show(r *recipes.Recipe) error {
	var facts []string
	row := func(name, format string, args ...any) { facts = append(facts, name, fmt.Sprintf(format, args...)) }
	row(r.Title["en"], "%s", r.Summary["en"])
	row("Name", "%s %s", r.Name, r.Version)
	row("Licence", "%s", r.Licence)
	row("Home page", "%s", r.Homepage)
	row("Source", "%s", r.Source)
	row("Security", "%s", r.SecurityContact)
	row("Needs", "%d MiB memory, %d MiB disk, %s (%s)", r.Needs.MemoryMiB, r.Needs.DiskMiB, strings.Join(r.Needs.Architectures, " or "), r.Needs.Measured)
	for _, s := range r.Settings {
		row("Asks", "%s", question(s))
	}
	for _, d := range r.Data {
		row("Keeps", "%s (%s)", d.Volume, strings.TrimSpace(d.Kind+" "+d.Engine))
	}
	row("Images", "%s", sources(r))
	if !r.FirstAccount.None {
		row("First account", "%s, made before anybody can reach the app", r.FirstAccount.User)
	}
	for _, a := range r.AntiFeatures {
		row("Know that", "%s", a)
	}
	for _, m := range r.Maintainers {
		who := m.Name
		if m.Contact != "" {
			who += ", " + strings.TrimPrefix(m.Contact, "mailto:")
		}
		row("Looked after by", "%s", who)
	}
	for _, f := range r.Offers {
		row("On offer", "%s by %s, %d %% off for ICA members: %s", f.Kind, f.By, f.ICADiscountPercent, f.URL)
	}
	return o.Facts(facts...)
}

func question(s recipes.Setting) string {
	text := fmt.Sprintf("%s: %s", s.Name, s.Title["en"])
	switch {
	case len(s.Choices) > 0:
		text += " (" + strings.Join(choices(s), ", ") + ")"
	case s.Default == "" && s.Required:
		text += " (needs an answer)"
	}
	if s.Default != "" {
		text += " [" + s.Default + "]"
	}
	return text
}

// choices are what can be answered, each with what it means.
func choices(s recipes.Setting) []string {
	out := make([]string, len(s.Choices))
	for i, c := range s.Choices {
		out[i] = c
		if label := s.Label(c, "en"); label != c {
			out[i] += ": " + label
		}
	}
	return out
}

func sources(r *recipes.Recipe) string {
	for _, source := range r.Images {
		if source.Debian != "" {
			return "upstream's by digest, or built here from Debian's packages"
		}
	}
	return "upstream's by digest"
}
