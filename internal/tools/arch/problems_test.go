// SPDX-License-Identifier: AGPL-3.0-or-later

package arch

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const someProblems = `package a

const codeTaken = "name-taken"

func f(host string, code string) error {
	_ = errors.Is(err, &problem.Problem{Code: "name-taken"})
	_ = errors.Is(err, &problem.Problem{Code: "never-made"})
	_ = problem.Problem{}
	_ = &problem.Problem{Code: codeTaken, Kind: problem.Conflict, What: "the name " + host + " is taken", Why: "another <app> has it", Next: []string{"choose another", fmt.Sprintf("coopkit app remove %s", host)}}
	_ = &problem.Problem{Code: "disk-full", What: fmt.Sprintf("%d bytes are missing on %-5s", n, disk), Next: more}
	_ = &problem.Problem{Code: d.Code, What: d.What, Next: d.Next}
	_ = &problem.Problem{Code: code, What: "w", Next: []string{"n"}}
	_ = &problem.Problem{Code: "No Slug", What: "w", Next: []string{"n"}}
	_ = &problem.Problem{Code: "no-next", What: "w"}
	_ = &other.Problem{Code: "Another Thing"}
}
`

func TestProblems(t *testing.T) {
	got, bad := Problems(parse(t, map[string]string{
		"a/a.go":        someProblems,
		"a/a_test.go":   `package a; var _ = &problem.Problem{Code: "Only A Test"}`,
		"b/b.go":        `package b; func g() { p := &problem.Problem{Code: "later", What: "w"}; p.Next = next(); return p }`,
		"problem/p.go":  `package problem; var p = &Problem{Code: "unexpected", Kind: Failed, What: "w", Next: []string{"n"}}`,
		"btest/fake.go": `package btest; var p = &problem.Problem{Code: anything, What: "w"}`,
	}))
	want := []Problem{
		{Code: "disk-full", What: "… bytes are missing on …", Next: []Text{"…"}, At: "a/a.go:10"},
		{Code: "later", What: "w", At: "b/b.go:1"},
		{Code: "name-taken", Kind: "Conflict", What: "the name … is taken", Why: "another <app> has it", Next: []Text{"choose another", "coopkit app remove …"}, At: "a/a.go:9"},
		{Code: "unexpected", Kind: "Failed", What: "w", Next: []Text{"n"}, At: "problem/p.go:1"},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
	wantBad := []string{
		"a/a.go:12: the Code of a Problem is a slug written out, or a constant of its package",
		"a/a.go:13: the Code of a Problem is a slug written out, or a constant of its package",
		"a/a.go:14: a Problem says What happened and what to do Next",
		`a/a.go:7: no Problem has the code "never-made"`,
	}
	if diff := cmp.Diff(wantBad, bad); diff != "" {
		t.Error(diff)
	}
}

func TestProblemsPage(t *testing.T) {
	problems := []Problem{
		{Code: "disk-full", Kind: "Failed", What: "no *room*", Next: []Text{"…", "clear <it>"}},
		{Code: "name-taken", Kind: "Conflict", What: "taken", Why: "because", Next: []Text{"choose"}},
		{Code: "name-taken", Kind: "Conflict", What: "taken too", Next: []Text{"choose", "or leave it"}},
	}
	old := "# Problems\n\nIntro.\n\n## gone\n\nold\n\n" + endOfFacts + "\n\nlost\n\n## name-taken\n\nstale\n\n" + endOfFacts + "\n\nWritten by hand.\n\nMore.\n"
	want := strings.Join([]string{
		"# Problems", "", "Intro.",
		"", "## disk-full", "", "- **Kind**: failed", `- **What happened**: no \*room\*`, `- **Next**: clear \<it>`, "", endOfFacts,
		"", "## name-taken", "", "- **Kind**: conflict", "- **What happened**: taken", "- **What happened**: taken too", "- **Why**: because",
		"- **Next**: choose", "- **Next**: or leave it", "", endOfFacts, "", "Written by hand.", "", "More.", "",
	}, "\n")
	got := ProblemsPage([]byte(old), problems)
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(string(got), string(ProblemsPage(got, problems))); diff != "" {
		t.Errorf("writing it again changes it:\n%s", diff)
	}
}
