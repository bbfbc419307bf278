// SPDX-License-Identifier: AGPL-3.0-or-later

package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
)

// How gently the files of a volume are looked at: some of them at a time, then a
// pause in which others can use disk and processor.
const (
	sizeBatch   = 256       // files
	sizePauses  = 9         // times as long as the batch took: a tenth of one processor at most
	sizeFiles   = 2_000_000 // more than that are not looked at
	sizeFolders = 64        // deep; files handles are held for each
)

// VolumeBytes looks at every file of a volume: the engine itself can only
// measure everything that it has at once.
func (e *Engine) VolumeBytes(ctx context.Context, install appliance.InstallName, name string) (uint64, error) {
	if err := e.meet(ctx); err != nil {
		return 0, err
	}
	v, ok, err := e.ownVolume(ctx, install, name)
	if err == nil && !ok {
		err = fmt.Errorf("find volume %s: there is none", engine.VolumeName(install, name))
	}
	if err != nil {
		return 0, err
	}
	root, err := os.OpenRoot(v.Mountpoint)
	if err != nil { // the engine is another machine's, or shows us another path
		return 0, fmt.Errorf("measure volume: %w", errors.Join(engine.ErrNotMeasured, err))
	}
	w := walk{ctx: ctx, since: time.Now()}
	if err := w.folder(root, sizeFolders); err != nil {
		return 0, fmt.Errorf("measure volume: %w", err)
	}
	return uint64(w.bytes), nil
}

// walk adds up what files take. Apps change their files meanwhile: what is gone
// when it is looked at counts as nothing, and no link leads out of the volume.
type walk struct {
	ctx   context.Context //nolint:containedctx // of one call
	files int
	bytes float64
	since time.Time // of the last pause
}

// folder adds what is in dir, and closes it.
func (w *walk) folder(dir *os.Root, deeper int) error {
	defer func() { _ = dir.Close() }()
	list, err := dir.Open(".")
	if err != nil {
		return gone(err)
	}
	defer func() { _ = list.Close() }()
	for {
		names, err := list.Readdirnames(sizeBatch)
		for _, name := range names {
			if err := w.file(dir, name, deeper); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return gone(err)
		}
	}
}

func (w *walk) file(dir *os.Root, name string, deeper int) error {
	if w.files++; w.files%sizeBatch == 0 {
		if err := w.pause(); err != nil {
			return err
		}
	}
	info, err := dir.Lstat(name)
	if err != nil {
		return gone(err)
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok && !info.IsDir() {
		w.bytes += float64(s.Blocks) * 512 / float64(max(s.Nlink, 1)) // each name of a file counts its part
	} else if ok {
		w.bytes += float64(s.Blocks) * 512
	}
	if !info.IsDir() {
		return nil
	}
	if deeper == 0 || w.files > sizeFiles {
		return engine.ErrNotMeasured
	}
	sub, err := dir.OpenRoot(name)
	if err != nil {
		return gone(err)
	}
	return w.folder(sub, deeper-1)
}

// pause lets others work.
func (w *walk) pause() error {
	if w.files > sizeFiles {
		return engine.ErrNotMeasured
	}
	wait := time.NewTimer(sizePauses * time.Since(w.since))
	defer wait.Stop()
	select {
	case <-w.ctx.Done():
		return context.Cause(w.ctx)
	case <-wait.C:
		w.since = time.Now()
		return nil
	}
}

// gone makes nothing of the error about a file that is no longer there.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	return err
}
