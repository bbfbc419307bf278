// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"strings"

	"coopkit/appliance"
	"coopkit/internal/hostname"
	"coopkit/recipes"
)

// hosts gives each web service of a recipe its host: the main one the address
// that was asked for, every other <web>.<address>.
func hosts(r *recipes.Recipe, main hostname.Name) []hostname.Name {
	out := make([]hostname.Name, len(r.Web))
	for i, w := range r.Web {
		out[i] = main
		if i > 0 {
			out[i] = hostname.Name(w.Name) + "." + main
		}
	}
	return out
}

// vars fills the variables of a recipe for an install.
func (a *Apps) vars(r *recipes.Recipe, in appliance.Install, secrets map[string]string) recipes.Vars {
	v := recipes.Vars{"TIMEZONE": a.Timezone}
	for i, host := range in.Addresses {
		suffix := ""
		if i > 0 {
			suffix = "_" + variable(r.Web[i].Name)
		}
		v["HOST"+suffix], v["URL"+suffix] = host.String(), a.Door.URL(host)
	}
	for name, value := range in.Settings {
		v["SETTING_"+variable(name)] = value
	}
	for name, value := range secrets {
		v["SECRET_"+variable(name)] = value
	}
	return v
}

// variable is a name as it stands in a variable: upper case, underscores.
func variable(name string) string {
	return strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}
