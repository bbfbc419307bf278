// SPDX-License-Identifier: AGPL-3.0-or-later

package coopkit

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"coopkit/internal/tools/arch"
)

var update = flag.Bool("update", false, "write again the pages that are made from the code")

const (
	problemsPage = "docs/reference/problems.md"
	termsPage    = "docs/reference/terms.md"
)

// rules say who never imports whom, and why.
var rules = []arch.Rule{
	{
		From: []string{"coopkit/appliance", "coopkit/dns", "coopkit/desk"}, Tests: true,
		Never: []string{"coopkit/...", "database/sql", "net/http", "github.com/docker/docker/..."}, Allow: []string{"coopkit/internal/...", "coopkit/appliance", "coopkit/dns", "coopkit/desk", "coopkit/desk/wire"},
		Because: "words stay readable and testable alone",
	},
	{
		From: []string{"coopkit/dns/..."}, Never: []string{"coopkit/appliance/...", "coopkit/desk/..."}, Tests: true,
		Because: "dns is usable on a host of its own",
	},
	{
		From: []string{"coopkit/desk/..."}, Never: []string{"coopkit/appliance/...", "coopkit/dns/..."}, Tests: true,
		Because: "a desk serves many boxes; they meet in desk/wire only",
	},
	{
		From: []string{"coopkit/appliance/..."}, Never: []string{"coopkit/desk/..."}, Allow: []string{"coopkit/desk/wire"},
		Because: "box and desk meet in desk/wire only",
	},
	{
		From: []string{"coopkit/recipes/..."}, Never: []string{"coopkit/..."}, Allow: []string{"coopkit/recipes/...", "coopkit/internal/..."}, Tests: true,
		Because: "outsiders write recipes; the checker is a leaf",
	},
	{
		From: []string{"coopkit/appliance/console/...", "coopkit/appliance/cli/..."}, Never: []string{"database/sql", "coopkit/appliance/store/...", "github.com/docker/docker/..."},
		Because: "faces ask through interfaces that they declare themselves",
	},
	{
		From: []string{
			"coopkit/appliance/apps", "coopkit/appliance/gateway", "coopkit/appliance/health/...", "coopkit/appliance/images", "coopkit/appliance/jobs",
			"coopkit/appliance/names", "coopkit/appliance/notify/...", "coopkit/appliance/sites", "coopkit/appliance/store/...", "coopkit/appliance/support", "coopkit/appliance/usage",
		}, Never: []string{"coopkit/appliance/control/..."}, Tests: true,
		Because: "parts speak in the words of package appliance; how they are called from outside is the control API's matter",
	},
	{
		From: []string{"coopkit/appliance/notify"}, Never: []string{"coopkit/appliance/notify/letter", "coopkit/internal/locale", "coopkit/internal/webkit/...", "coopkit/appliance/store/..."},
		Because: "who is told what and when is decided without words, pages or SQL",
	},
	{
		From: []string{"*"}, But: []string{"coopkit/internal/deliver/..."}, Never: []string{"github.com/wneessen/go-mail/...", "github.com/nicholas-fedor/shoutrrr/..."},
		Because: "one package knows how messages travel",
	},
	{
		From: []string{"coopkit/appliance/engine"}, Never: []string{"github.com/docker/docker/...", "coopkit/appliance/store/...", "coopkit/appliance/console/...", "net/http"},
		Because: "a plan is data; Docker is an adapter",
	},
	{
		From: []string{"*"}, But: []string{"coopkit/appliance/engine/docker"}, Never: []string{"github.com/docker/docker/..."},
		Because: "one package knows the Docker client",
	},
	{
		From: []string{"*"}, But: []string{"coopkit/internal/sqlitedb", "coopkit/appliance/store/..."}, Never: []string{"github.com/mattn/go-sqlite3"},
		Because: "one package knows the database",
	},
	{
		From: []string{"*"}, But: []string{"coopkit/internal/process", "coopkit/internal/tools/..."}, Never: []string{"github.com/coreos/go-systemd/v22/daemon"},
		Because: "agent and desk meet their surroundings in the same way",
	},
	{
		From: []string{"*"}, But: []string{"coopkit/internal/term", "coopkit/internal/tools/..."}, Never: []string{"golang.org/x/term", "text/tabwriter"},
		Because: "every command meets a person in the same way",
	},
	{
		From: []string{"*"}, But: []string{"coopkit/recipes/..."}, Never: []string{"github.com/compose-spec/..."},
		Because: "one package reads Compose files",
	},
	{
		From: []string{"*"}, But: []string{"coopkit/appliance/gateway/...", "coopkit/appliance/agent"}, Never: []string{"github.com/caddyserver/certmagic/..."},
		Because: "certificates are the front door's work",
	},
	{
		From: []string{"*"}, But: []string{"coopkit/cmd/...", "coopkit/appliance/agent/..."}, Never: []string{"coopkit/appliance/agent/..."},
		Because: "there is one composition root",
	},
	{
		From: []string{"coopkit/internal/..."}, But: []string{"coopkit/internal/tools/bench"}, Never: []string{"coopkit/..."}, Allow: []string{"coopkit/internal/..."}, Tests: true,
		Because: "what all share knows none of them",
	},
	{
		From: []string{"coopkit/..."}, But: []string{"coopkit/internal/tools/..."}, Never: []string{"coopkit/internal/tools/..."},
		Because: "the repository's tools are no part of the product",
	},
	{
		From: []string{"*"}, But: []string{
			"coopkit/appliance/engine/enginetest", "coopkit/appliance/jobs/jobstest", "coopkit/appliance/agent/agenttest", "coopkit/appliance/console/area/areatest",
			"coopkit/desk/desktest", "coopkit/internal/deliver/delivertest", "coopkit/internal/locale/localetest", "coopkit/internal/testkit/...",
		}, Never: []string{"testing", "coopkit/internal/testkit"},
		Because: "the program carries no test code",
	},
}

func TestRepository(t *testing.T) {
	repo := os.DirFS(".")
	files, err := arch.Parse(repo)
	if err != nil {
		t.Fatal(err)
	}
	problems, unclear := arch.Problems(files)
	sources, err := arch.Sources(repo)
	if err != nil {
		t.Fatal(err)
	}
	recipes, err := arch.Catalogue(repo, "recipes/catalogue")
	if err != nil {
		t.Fatal(err)
	}
	links, err := arch.Links(repo, "docs")
	if err != nil {
		t.Fatal(err)
	}
	words, err := arch.Words(repo, files, termsPage)
	if err != nil {
		t.Fatal(err)
	}
	for name, lines := range map[string][]string{
		"imports":          arch.Imports("coopkit", files, rules),
		"sources":          sources,
		"package comments": arch.PackageComments(files),
		"problems":         unclear,
		"catalogue":        recipes,
		"links":            links,
		"words":            words,
	} {
		t.Run(name, func(t *testing.T) {
			for _, line := range lines {
				t.Error(line)
			}
		})
	}
	t.Run("problems page", func(t *testing.T) { comparePage(t, problems) })
}

// comparePage fails when the page does not list exactly the problems of the
// source, each as the source has it.
func comparePage(t *testing.T, problems []arch.Problem) {
	t.Helper()
	page, err := os.ReadFile(problemsPage)
	if err != nil {
		t.Fatal(err)
	}
	want := arch.ProblemsPage(page, problems)
	if *update {
		if err := os.WriteFile(problemsPage, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(page, want) {
		t.Errorf("%s is not what the code says (-page +code); run: go test . -update\n%s", problemsPage, cmp.Diff(string(page), string(want)))
	}
}
