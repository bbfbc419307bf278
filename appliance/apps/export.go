// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/jobs"
	"coopkit/internal/atomicfile"
	"coopkit/internal/problem"
	"coopkit/recipes"
)

// export writes an install to a folder that plain Docker Compose understands:
// recipe/ with compose.yaml, .env with its settings and secrets, dumps of its
// databases taken while they run, and a tar of each volume taken while the app
// is stopped. The folder gets its name only when it is complete.
func (a *Apps) export(ctx context.Context, name appliance.InstallName, dir string, p appliance.Progress) error {
	r, err := a.active(ctx, name)
	if err != nil {
		return err
	}
	partial := dir + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return err
	}
	for _, sub := range []string{"recipe", "dumps", "volumes"} {
		if err := os.MkdirAll(filepath.Join(partial, sub), 0o700); err != nil {
			return err
		}
	}
	if err := errors.Join(exportRecipe(r.recipe, partial), exportVars(r.vars, partial)); err != nil {
		return err
	}
	if err := a.dump(ctx, r, partial, p); err != nil {
		return err
	}
	have, err := a.Engine.Observe(ctx, name)
	if err != nil {
		return err
	}
	if err := engine.Apply(ctx, a.Engine, engine.Halt(have), p); err != nil {
		return err
	}
	for _, volume := range r.spec.Volumes {
		if !slices.Contains(have.Volumes, volume) {
			p.Log("volume " + volume + " does not exist any more, so it is not in the export")
			continue
		}
		p.Log("saving volume " + volume)
		if err := a.exportVolume(ctx, name, volume, filepath.Join(partial, "volumes", volume+".tar.zst")); err != nil {
			return err
		}
	}
	if err := atomicfile.SyncAll(partial); err != nil { // the data is removed soon
		return err
	}
	if err := os.Rename(partial, dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if bytes, err := sizeOf(dir); err == nil {
		jobs.AddFact(ctx, appliance.FactExport, "folder", dir, "all_bytes", strconv.FormatInt(bytes, 10))
	}
	p.Log(dir)
	return atomicfile.SyncDir(filepath.Dir(dir))
}

// dropExport takes an unfinished export away and starts the app again.
func (a *Apps) dropExport(ctx context.Context, name appliance.InstallName, dir string) error {
	err := errors.Join(os.RemoveAll(dir+".partial"), os.RemoveAll(dir))
	limited, cancel := context.WithTimeout(ctx, restartLimit)
	defer cancel()
	r, readErr := a.active(limited, name)
	if readErr != nil {
		return errors.Join(err, readErr)
	}
	if again := a.raise(limited, r, appliance.Quiet{}); !couldNotRun(again) {
		err = errors.Join(err, again)
	}
	return err
}

// restartLimit bounds how long putting services back may take after an export
// failed.
const restartLimit = time.Minute

func exportRecipe(r *recipes.Recipe, dir string) error {
	return os.CopyFS(filepath.Join(dir, "recipe"), r.Files())
}

// envQuote escapes what has a meaning between the double quotes of an env file
// of Compose.
var envQuote = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`)

// exportVars writes the variables as Compose reads them; it is the one secret
// file of an export.
func exportVars(vars recipes.Vars, dir string) error {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(vars)) {
		fmt.Fprintf(&b, "%s=\"%s\"\n", key, envQuote.Replace(vars[key]))
	}
	return atomicfile.Write(filepath.Join(dir, "recipe", ".env"), []byte(b.String()), 0o600)
}

// dump runs the recipe's own dump commands, for a copy that another version of
// the database can read too. An app that does not run has no dumps.
func (a *Apps) dump(ctx context.Context, r *release, dir string, p appliance.Progress) error {
	if r.spec.Stopped {
		return nil
	}
	for _, d := range r.recipe.Data {
		if len(d.Dump) == 0 {
			continue
		}
		p.Log("dumping database " + d.Volume)
		file := filepath.Join(dir, "dumps", d.Volume+".zst")
		err := writeCompressed(file, func(w io.Writer) error {
			var said strings.Builder
			code, err := a.Engine.Exec(ctx, r.spec.Install, engine.Exec{Service: d.Service, Command: d.Dump, Stdout: w, Stderr: &said})
			if err == nil && code != 0 {
				err = fmt.Errorf("dump %s: ended with %d: %s", d.Volume, code, lastLine(said.String()))
			}
			return err
		})
		if errors.Is(err, &problem.Problem{Code: "service-not-running"}) { // a broken app must not be kept from leaving
			p.Log(d.Service + " does not run, so there is no dump; the database's files are in volumes/")
			err = os.Remove(file)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *Apps) exportVolume(ctx context.Context, name appliance.InstallName, volume, path string) error {
	content, err := a.Engine.ReadVolume(ctx, name, volume)
	if err != nil {
		return err
	}
	err = writeCompressed(path, func(w io.Writer) error {
		_, err := io.Copy(w, content)
		return err
	})
	return errors.Join(err, content.Close())
}

// writeCompressed makes a zstd file durable before it returns.
func writeCompressed(path string, fill func(w io.Writer) error) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // inside our export folder
	if err != nil {
		return fmt.Errorf("make export file: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z, err := zstd.NewWriter(f)
	if err != nil {
		return fmt.Errorf("start compression: %w", err)
	}
	if err := errors.Join(fill(z), z.Close()); err != nil {
		return err
	}
	return f.Sync()
}

// exportFailed says what came of a removal whose export failed.
func exportFailed(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return &problem.Problem{
		Code: "export-failed", Kind: problem.Failed,
		What: "the final export could not be made, so the app was not removed",
		Why:  problem.Reason(err),
		Next: []string{"df -h", "free some space and try again", "or remove it without an export: --no-export"},
		Err:  err,
	}
}
