// SPDX-License-Identifier: AGPL-3.0-or-later

package appliance

// AddApp asks for an app. The zero values mean: the recipe's own name and
// title, the usual order of image sources.
type AddApp struct {
	Recipe   string            `json:"recipe"`
	Name     string            `json:"name,omitempty"`
	Title    string            `json:"title,omitempty"` // what people call it
	Host     string            `json:"host"`            // main address
	Settings map[string]string `json:"settings,omitempty"`
	Images   ImageSource       `json:"images,omitempty"`    // force one source
	PlanHash string            `json:"plan_hash,omitempty"` // refuse if the plan is another by now
}

// RemoveApp asks to remove an app.
type RemoveApp struct {
	Name     string `json:"name"`
	NoExport bool   `json:"no_export,omitempty"` // do not keep a final export of its data
	PlanHash string `json:"plan_hash,omitempty"`
}

// RetitleApp asks to call an app by another everyday name.
type RetitleApp struct {
	Name  InstallName `json:"name"`
	Title string      `json:"title"`
}

// App is an install as people see it. Its Title is never empty.
type App struct {
	Install
	Program  string           `json:"program"` // what it runs, as its recipe calls it: "DokuWiki"
	Version  string           `json:"version"` // that really runs: of the recipe, "7.0.2-2", or "6.1.9 (Debian)"
	State    string           `json:"state"`   // running, starting, stopped, failing, adding, changing, unknown
	URL      string           `json:"url"`
	Services []ServiceState   `json:"services"`
	Images   map[string]Image `json:"images"`
	Usage    UsageNow         `json:"usage"`
}

// ServiceState is one service of an App.
type ServiceState struct {
	Name   string `json:"name"`
	State  string `json:"state"`
	Health string `json:"health,omitempty"`
}

// AppLogs asks for what the services of an app said.
type AppLogs struct {
	Name    InstallName `json:"name"`
	Service string      `json:"service,omitempty"` // empty: all of them
	Tail    int         `json:"tail,omitempty"`    // the newest lines only, of all services in the order of time; 0: all, service by service
	Follow  bool        `json:"follow,omitempty"`  // go on until the caller leaves
	Since   string      `json:"since,omitempty"`   // RFC 3339; empty: from the first line that there is
	Until   string      `json:"until,omitempty"`   // RFC 3339, not included; not with Follow
	Search  string      `json:"search,omitempty"`  // lines with this text in any case
	Level   string      `json:"level,omitempty"`   // error, or warning for these too, or info; see package logline
	Checks  bool        `json:"checks,omitempty"`  // with what the box's own checks caused
	Times   bool        `json:"times,omitempty"`   // "service | TIME text", as logline.Parse reads it
}

// TestRecipe asks to try a recipe in a scratch place.
type TestRecipe struct {
	Name   string      `json:"name"`
	Images ImageSource `json:"images,omitempty"` // force one source
}
