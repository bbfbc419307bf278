// SPDX-License-Identifier: AGPL-3.0-or-later

package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coopkit/internal/problem"
	"coopkit/internal/term"
	"coopkit/recipes"
)

func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out, errOut bytes.Buffer
	env := term.New(nil, &out, &errOut, func(string) string { return "" })
	cmd := New(env)
	cmd.PersistentFlags().BoolVar(&env.JSON, "json", false, "")
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(args)
	err := cmd.Execute()
	return out.String(), err
}

func TestList_fitsTheTerminal(t *testing.T) {
	t.Setenv("COLUMNS", "90")
	out, err := run(t, "list")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"dokuwiki", "radicale", "wordpress"} {
		if !strings.Contains(out, "\n"+name+" ") {
			t.Errorf("%s is missing in\n%s", name, out)
		}
	}
	for line := range strings.Lines(out) {
		if n := len([]rune(line)); n > 91 {
			t.Errorf("%d letters: %s", n, line)
		}
	}
}

func TestListAndShow_asJSON(t *testing.T) {
	out, err := run(t, "list", "--json")
	if err != nil {
		t.Fatal(err)
	}
	var all []recipes.Recipe
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		t.Fatal(err)
	}
	out, err = run(t, "show", "wordpress", "--json")
	if err != nil {
		t.Fatal(err)
	}
	var one recipes.Recipe
	if err := json.Unmarshal([]byte(out), &one); err != nil {
		t.Fatal(err)
	}
	if one.Version != all[len(all)-1].Version || one.Version == "" {
		t.Errorf("list and show disagree: %q, %q", one.Version, all[len(all)-1].Version)
	}
}

func TestShow_saysWhatItAsksAndKeeps(t *testing.T) {
	out, err := run(t, "show", "wordpress")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"GPL-2.0-or-later", "email:", "db (database mariadb)", "Looked after by:  Coopkit contributors\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if _, err := run(t, "show", "wordpess"); !errors.Is(err, &problem.Problem{Code: "recipe-unknown"}) {
		t.Errorf("got %v", err)
	}
}

func TestLint(t *testing.T) {
	const good = "../catalogue/wordpress"
	out, err := run(t, "lint", good)
	if err != nil || out != "no mistakes in 1 folder\n" {
		t.Fatalf("%q, %v", out, err)
	}
	bad := t.TempDir()
	if err := os.CopyFS(bad, os.DirFS(good)); err != nil {
		t.Fatal(err)
	}
	compose := filepath.Join(bad, "compose.yaml")
	data, err := os.ReadFile(compose)
	if err != nil {
		t.Fatal(err)
	}
	data = bytes.Replace(data, []byte("    mem_limit: 512m\n"), []byte("    mem_limit: 512m\n    privileged: true\n"), 1)
	if err := os.WriteFile(compose, data, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err = run(t, "lint", good, bad)
	if !errors.Is(err, &problem.Problem{Code: "recipe-mistakes"}) || !strings.HasPrefix(out, compose+":") || !strings.Contains(out, "[privileged]") {
		t.Errorf("%q, %v", out, err)
	}
	out, err = run(t, "lint", "--json", bad)
	var found []recipes.Issue
	if json.Unmarshal([]byte(out), &found) != nil || err == nil || len(found) != 1 || found[0].Line == 0 {
		t.Errorf("%q, %v", out, err)
	}
	if _, err = run(t, "lint", filepath.Join(bad, "nowhere")); !errors.Is(err, &problem.Problem{Code: "recipe-folder-unreadable"}) {
		t.Errorf("got %v", err)
	}
}
