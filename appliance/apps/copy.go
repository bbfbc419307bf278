// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"archive/zip"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/jobs"
	"coopkit/internal/logkey"
	"coopkit/internal/problem"
)

const (
	copyFor   = 7 * 24 * time.Hour // how long a copy stays
	copyStamp = "20060102-150405"  // in UTC, names the folder of one
)

// exportInput is the input of an export that leaves the app as it is.
type exportInput struct {
	Name   appliance.InstallName
	Folder string
}

// copies is the folder of an app's copies: one folder each, named after the
// moment when it was asked for. One that is not complete has another name.
func (a *Apps) copies(name appliance.InstallName) string {
	return filepath.Join(a.Exports, "copies", string(name))
}

// PlanExport says what making a copy of an app does to it: a copy is whole only
// if nothing is written meanwhile.
func (a *Apps) PlanExport(ctx context.Context, req appliance.ExportApp) (appliance.Plan, error) {
	in, err := a.Store.Install(ctx, appliance.InstallName(req.Name))
	if err != nil {
		return appliance.Plan{}, err
	}
	limited, cancel := context.WithTimeout(ctx, engine.Answer)
	defer cancel()
	have, err := a.Engine.Observe(limited, in.Name)
	if err != nil {
		return appliance.Plan{}, err
	}
	plan := appliance.Plan{
		Kind: appliance.ChangeExport, Subject: subject(in.Name), Args: a.words(in), WayBack: appliance.Note{Code: appliance.BackNothing},
		Notes: []appliance.Note{{Code: appliance.NoteCopyHasSecrets}, {Code: appliance.NoteCopyStays, Args: map[string]string{"days_count": "7"}}},
	}
	var again []appliance.Line
	for _, s := range engine.Halt(have) {
		l := s.Describe()
		plan.Lines = append(plan.Lines, l)
		again = append(again, appliance.Line{Verb: appliance.VerbStart, Kind: l.Kind, Name: l.Name})
	}
	plan.Lines = append(plan.Lines, appliance.Line{Verb: appliance.VerbExport, Kind: appliance.KindData, To: a.copies(in.Name)})
	if len(again) > 0 {
		slices.Reverse(again)
		plan.Lines = append(plan.Lines, again...)
		plan.Notes = append([]appliance.Note{{Code: appliance.NoteClosedMeanwhile}}, plan.Notes...)
	}
	plan.Space = a.spaceOf(in.Name)
	plan.Space.Needs, plan.Space.Frees = plan.Space.Frees, 0 // the data is there twice
	plan.Steps, err = a.Jobs.Outline(ctx, appliance.ChangeExport, exportInput{in.Name, a.copies(in.Name)})
	return plan.Seal(), err
}

// Export starts making a copy of an app, which goes on afterwards as before.
func (a *Apps) Export(ctx context.Context, req appliance.ExportApp) (appliance.Job, error) {
	plan, err := a.PlanExport(ctx, req)
	if err != nil {
		return appliance.Job{}, err
	}
	if err := plan.Agreed(req.PlanHash); err != nil {
		return appliance.Job{}, err
	}
	name := appliance.InstallName(req.Name)
	return a.Jobs.StartWith(ctx, appliance.ChangeExport, plan.Subject, plan.Args, exportInput{name, filepath.Join(a.copies(name), a.Now().UTC().Format(copyStamp))})
}

func (a *Apps) exportSteps(ctx context.Context, in exportInput) ([]jobs.Step, error) {
	install, err := a.Store.Install(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	steps := []jobs.Step{{
		Code: appliance.StepCopy,
		Do: func(ctx context.Context, p appliance.Progress) error {
			return copyFailed(a.export(ctx, in.Name, in.Folder, p))
		},
		Undo: func(ctx context.Context) error { return a.dropExport(ctx, in.Name, in.Folder) },
	}}
	if install.Wanted == appliance.WantRunning {
		steps = append(steps,
			jobs.Step{
				Code: appliance.StepStart,
				Do: func(ctx context.Context, p appliance.Progress) error {
					r, err := a.active(ctx, in.Name)
					if err != nil {
						return err
					}
					return a.raise(ctx, r, p)
				},
			},
			// An app that answered nobody before the copy need not do so after it.
			jobs.Step{Code: appliance.StepReady, Optional: true, Do: a.visiting(in.Name, a.active, a.ready)},
		)
	}
	return append(steps, jobs.Step{
		Code: appliance.StepDropCopies, Commit: true,
		Do: func(context.Context, appliance.Progress) error { return a.dropCopies(in) },
	}), nil
}

func copyFailed(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return &problem.Problem{
		Code: "copy-failed", Kind: problem.Failed, What: "the copy could not be made; the app goes on as before",
		Why: problem.Reason(err), Next: []string{"df -h", "free some space and try again"}, Err: err,
	}
}

// dropCopies deletes the copies that the new one takes the place of.
func (a *Apps) dropCopies(in exportInput) error {
	all, err := os.ReadDir(a.copies(in.Name))
	for _, d := range all {
		if d.Name() != filepath.Base(in.Folder) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(a.copies(in.Name), d.Name())))
		}
	}
	return err
}

// kept is a copy with its folder.
type kept struct {
	appliance.AppCopy
	dir string
}

// kept returns the copies of all apps, the newest first.
func (a *Apps) kept() ([]kept, error) {
	dirs, err := filepath.Glob(filepath.Join(a.copies("*"), "*"))
	if err != nil {
		return nil, fmt.Errorf("look for copies: %w", err)
	}
	var all []kept
	for _, dir := range dirs {
		made, err := time.Parse(copyStamp, filepath.Base(dir))
		if err != nil {
			continue // it is being made
		}
		k := kept{dir: dir, AppCopy: appliance.AppCopy{
			App: appliance.InstallName(filepath.Base(filepath.Dir(dir))), Made: made, Expires: made.Add(copyFor),
		}}
		if k.Bytes, err = sizeOf(dir); err == nil {
			all = append(all, k)
		} else if !errors.Is(err, fs.ErrNotExist) { // it went meanwhile
			return nil, fmt.Errorf("measure copy: %w", err)
		}
	}
	slices.SortFunc(all, func(x, y kept) int { return y.Made.Compare(x.Made) })
	return all, nil
}

func sizeOf(dir string) (bytes int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			bytes += info.Size()
		}
		return err
	})
	return bytes, err
}

// Copies returns the newest copy of each app that has one.
func (a *Apps) Copies(context.Context) ([]appliance.AppCopy, error) {
	all, err := a.kept()
	var newest []appliance.AppCopy
	for _, k := range all {
		same := func(c appliance.AppCopy) bool { return c.App == k.App }
		if a.Now().Before(k.Expires) && !slices.ContainsFunc(newest, same) {
			newest = append(newest, k.AppCopy)
		}
	}
	return newest, err
}

// Copy writes the newest copy of an app to w as a zip. The errors are those of
// w, and Problems: "install-unknown", "no-copy".
func (a *Apps) Copy(ctx context.Context, name appliance.InstallName, w io.Writer) (err error) {
	in, err := a.Store.Install(ctx, name)
	if err != nil {
		return err
	}
	all, err := a.kept()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(k kept) bool { return k.App == name && a.Now().Before(k.Expires) })
	if i < 0 {
		return &problem.Problem{
			Code: "no-copy", Kind: problem.NotFound, What: "there is no copy of " + a.Title(in) + " to download",
			Why: "none was made, or it was deleted after a week", Next: []string{"coopkit app export " + string(name)},
			Args: map[string]string{"title": a.Title(in)},
		}
	}
	root, err := os.OpenRoot(all[i].dir)
	if err != nil {
		return fmt.Errorf("open copy: %w", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	z := zip.NewWriter(w)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.NoCompression) }) // what is large is compressed already
	if err := z.AddFS(root.FS()); err != nil {                                                                                      // without its end, nobody takes the zip for whole
		return fmt.Errorf("pack copy: %w", err)
	}
	return z.Close()
}

// forgetCopies deletes those whose time is over.
func (a *Apps) forgetCopies() {
	all, err := a.kept()
	for _, k := range all {
		if !a.Now().Before(k.Expires) {
			err = errors.Join(err, os.RemoveAll(k.dir))
		}
	}
	if err != nil {
		a.Log.Warn("old copies not deleted", slog.Any(logkey.Err, err))
	}
}
