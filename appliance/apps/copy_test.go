// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"coopkit/appliance"
	"coopkit/internal/problem"
)

// export makes a copy of echo, which must work.
func (b *box) export(t *testing.T) {
	t.Helper()
	plan, err := b.PlanExport(t.Context(), appliance.ExportApp{Name: "echo"})
	if err != nil {
		t.Fatal(err)
	}
	job, err := b.Export(t.Context(), appliance.ExportApp{Name: "echo", PlanHash: plan.Hash})
	if job = b.follow(t, job, err); job.State != appliance.JobDone {
		t.Fatalf("export: %s %v", job.State, job.Problem)
	}
}

// copied returns what is in the volume of the copy of echo.
func (b *box) copied(t *testing.T) string {
	t.Helper()
	var file bytes.Buffer
	if err := b.Copy(t.Context(), "echo", &file); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"recipe/compose.yaml", "recipe/.env"} {
		if !slices.ContainsFunc(z.File, func(f *zip.File) bool { return f.Name == name }) {
			t.Errorf("%s is not in it", name)
		}
	}
	packed, err := z.Open("volumes/data.tar.zst")
	if err != nil {
		t.Fatal(err)
	}
	r, err := zstd.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err := errors.Join(err, packed.Close()); err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestExport_leavesTheAppAsItWas(t *testing.T) {
	t.Parallel()
	for name, stopped := range map[string]bool{"running": false, "stopped": true} {
		b, fake := fakeBox(t, fine)
		job, err := b.Add(t.Context(), echo)
		b.follow(t, job, err)
		fake.SetVolume("echo", "data", []byte("what members made"))
		if stopped {
			job, err = b.Stop(t.Context(), "echo")
			b.follow(t, job, err)
		}
		plan, err := b.PlanExport(t.Context(), appliance.ExportApp{Name: "echo"})
		closes := slices.ContainsFunc(plan.Notes, func(n appliance.Note) bool { return n.Code == appliance.NoteClosedMeanwhile })
		if err != nil || closes == stopped {
			t.Errorf("%s: the plan says %+v, %v", name, plan.Notes, err)
		}
		b.export(t)
		if app, err := b.Show(t.Context(), "echo"); err != nil || app.State != name {
			t.Errorf("%s: it is %s afterwards, %v", name, app.State, err)
		}
		if got := b.copied(t); got != "what members made" {
			t.Errorf("%s: copied %q", name, got)
		}
		copies, err := b.Copies(t.Context())
		if err != nil || len(copies) != 1 || copies[0].App != "echo" || copies[0].Bytes < 100 || copies[0].Expires.Sub(copies[0].Made) != copyFor {
			t.Errorf("%s: %+v, %v", name, copies, err)
		}
	}
}

func TestExport_takesThePlaceOfTheCopyBeforeAndIsForgotten(t *testing.T) {
	t.Parallel()
	b, fake := fakeBox(t, fine)
	job, err := b.Add(t.Context(), echo)
	b.follow(t, job, err)
	now := time.Now()
	b.Now = func() time.Time { return now }
	fake.SetVolume("echo", "data", []byte("old"))
	b.export(t)
	now = now.Add(time.Hour)
	fake.SetVolume("echo", "data", []byte("new"))
	fake.FailNext("ReadVolume", errors.New("no luck"))
	job, err = b.Export(t.Context(), appliance.ExportApp{Name: "echo"})
	if job = b.follow(t, job, err); job.State != appliance.JobUndone || job.Problem.Code != "copy-failed" {
		t.Fatalf("%s %v", job.State, job.Problem)
	}
	if app, err := b.Show(t.Context(), "echo"); err != nil || app.State != "running" || b.copied(t) != "old" {
		t.Errorf("after an export that failed: %s, %v", app.State, err)
	}
	b.export(t)
	if all, err := b.kept(); err != nil || len(all) != 1 || b.copied(t) != "new" {
		t.Errorf("%+v, %v", all, err)
	}
	now = now.Add(copyFor)
	gone := &problem.Problem{Code: "no-copy"}
	if err := b.Copy(t.Context(), "echo", io.Discard); !errors.Is(err, gone) {
		t.Errorf("after a week: %v", err)
	}
	b.forgetCopies()
	if all, err := b.kept(); err != nil || len(all) != 0 {
		t.Errorf("after a week: %+v, %v", all, err)
	}
}

// What was removed without an export leaves no copy either.
func TestRemove_deletesTheCopy(t *testing.T) {
	t.Parallel()
	b, _ := fakeBox(t, fine)
	job, err := b.Add(t.Context(), echo)
	b.follow(t, job, err)
	b.export(t)
	job, err = b.Remove(t.Context(), appliance.RemoveApp{Name: "echo", NoExport: true})
	b.follow(t, job, err)
	if all, err := b.kept(); err != nil || len(all) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
}
