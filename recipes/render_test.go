// SPDX-License-Identifier: AGPL-3.0-or-later

package recipes

import (
	"errors"
	"strings"
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

// healthForms are those that Compose knows, and what becomes of each.
var healthForms = map[string]struct {
	yaml string
	want *HealthCheck
	runs bool
}{
	"disable":       {"{disable: true}", &HealthCheck{Test: []string{"NONE"}}, false},
	"none":          {"{test: [NONE]}", &HealthCheck{Test: []string{"NONE"}}, false},
	"times alone":   {"{interval: 7s, retries: 2}", &HealthCheck{Interval: 7 * time.Second, Retries: 2}, false},
	"shell":         {"{test: true, start_interval: 1s}", nil, false},
	"text":          {`{test: "wget -q localhost", start_interval: 1s}`, &HealthCheck{Test: []string{"CMD-SHELL", "wget -q localhost"}, StartInterval: time.Second}, true},
	"command":       {"{test: [CMD, /app, health]}", &HealthCheck{Test: []string{"CMD", "/app", "health"}}, true},
	"not even once": {"{test: [CMD, /app], retries: 0}", nil, false},
}

func TestRender_everyFormOfAHealthCheck(t *testing.T) {
	for name, tt := range healthForms {
		t.Run(name, func(t *testing.T) {
			fsys := good(t, "radicale")
			compose := string(fsys[composeFile].Data)
			at := strings.Index(compose, "    mem_limit:")
			fsys[composeFile].Data = []byte(compose[:at] + "    healthcheck: " + tt.yaml + "\n" + compose[at:])
			r, err := Load(fsys)
			if tt.want == nil {
				if !errors.Is(err, &problem.Problem{Code: "recipe-invalid"}) {
					t.Fatalf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			project, err := r.Render(exampleVars(r))
			if err != nil {
				t.Fatal(err)
			}
			var got *HealthCheck
			for _, s := range project.Services {
				if s.Health != nil {
					got = s.Health
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || got.Runs() != tt.runs {
				t.Errorf("runs %v: %s", got.Runs(), diff)
			}
		})
	}
}

// A recipe that was checked by an older linter may have a volume that compose-go
// reads as a drive, in each of its forms.
func TestRender_refusesAMountThatIsNoVolume(t *testing.T) {
	for _, mount := range []string{"d:/var/lib/x", "d:/var/lib/x:ro", "d:/var/lib/x:rw", "/var/lib/x", "./x:/var/lib/x"} {
		fsys := good(t, "wordpress")
		fsys[composeFile].Data = []byte(strings.NewReplacer("- site:/var/www/html", "- "+mount, "  site: {}", "  d: {}").Replace(string(fsys[composeFile].Data)))
		r, err := Open(fsys)
		if err != nil {
			t.Fatal(err)
		}
		if project, err := r.Render(exampleVars(r)); !errors.Is(err, &problem.Problem{Code: "compose-invalid"}) {
			t.Errorf("%s: %v, %+v", mount, err, project)
		}
		if found, err := Lint(fsys); err != nil || len(found) == 0 {
			t.Errorf("%s: the linter found nothing (%v)", mount, err)
		}
	}
}
