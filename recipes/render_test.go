// SPDX-License-Identifier: AGPL-3.0-or-later

package recipes

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/internal/problem"
)

// exampleVars gives each variable of a recipe a value that shows its name.
func exampleVars(r *Recipe) Vars {
	vars := Vars{}
	for _, name := range r.known() {
		vars[name] = "value-of-" + name
	}
	vars["HOST"], vars["URL"] = "www.demo.coop", "https://www.demo.coop:8443"
	return vars
}

func TestRender_wordpress(t *testing.T) {
	r, err := Embedded().Find("wordpress")
	if err != nil {
		t.Fatal(err)
	}
	project, err := r.Render(exampleVars(r))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"db", "site"}, project.Volumes); diff != "" {
		t.Error(diff)
	}
	app, db := project.Services[0], project.Services[1]
	if diff := cmp.Diff([]Mount{{Volume: "site", Target: "/var/www/html"}}, app.Mounts); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Dependency{{Service: "db", Condition: Healthy}}, app.DependsOn); diff != "" {
		t.Error(diff)
	}
	if app.MemoryBytes != 512<<20 || app.StopGrace != 30*time.Second || app.OneShot {
		t.Errorf("limits of app: %+v", app)
	}
	if len(app.Files) != 1 || app.Files[0].Target != "/usr/local/etc/php/conf.d/coopkit.ini" || len(app.Files[0].Content) == 0 {
		t.Errorf("files of app: %+v", app.Files)
	}
	for name, want := range map[string]string{
		"WORDPRESS_DB_PASSWORD": "value-of-SECRET_DB_PASSWORD",
		"COOPKIT_URL":           "https://www.demo.coop:8443",
	} {
		if app.Environment[name] != want {
			t.Errorf("%s is %q, want %q", name, app.Environment[name], want)
		}
	}
	want := &HealthCheck{
		Test:     []string{"CMD", "healthcheck.sh", "--connect", "--innodb_initialized"},
		Interval: 5 * time.Second, Timeout: 5 * time.Second, StartPeriod: time.Minute, Retries: 6,
	}
	if diff := cmp.Diff(want, db.Health); diff != "" {
		t.Error(diff)
	}
}

func TestRender_refusesAMissingVariable(t *testing.T) {
	r, err := Embedded().Find("wordpress")
	if err != nil {
		t.Fatal(err)
	}
	vars := exampleVars(r)
	delete(vars, "SECRET_DB_PASSWORD")
	t.Setenv("SECRET_DB_PASSWORD", "from the environment of the process")
	if _, err := r.Render(vars); !errors.Is(err, &problem.Problem{Code: "recipe-variable"}) {
		t.Fatalf("got %v", err)
	}
}

func TestRender_keepsValuesAsTheyAre(t *testing.T) {
	r, err := Embedded().Find("wordpress")
	if err != nil {
		t.Fatal(err)
	}
	vars := exampleVars(r)
	hostile := "a$b${HOST}$$\n'\"`: {x: y} # ☺"
	vars["SECRET_DB_PASSWORD"] = hostile
	project, err := r.Render(vars)
	if err != nil {
		t.Fatal(err)
	}
	if got := project.Services[0].Environment["WORDPRESS_DB_PASSWORD"]; got != hostile {
		t.Errorf("got %q, want %q", got, hostile)
	}
}
