// SPDX-License-Identifier: AGPL-3.0-or-later

package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/volume"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/internal/problem"
)

// CreateVolume makes a volume; one of this box that exists stays as it is, with
// its data.
func (e *Engine) CreateVolume(ctx context.Context, install appliance.InstallName, name string) error {
	v, err := e.cli.VolumeCreate(ctx, volume.CreateOptions{
		Name: engine.VolumeName(install, name), Labels: e.volumeLabels(install, name),
	})
	if err != nil {
		return e.wrap(err, "create volume")
	}
	// The engine answers with any volume that has the name already.
	ok, err := e.owns(ctx, install, v.Labels)
	if err == nil && !ok {
		err = foreign("volume", v.Name, v.Labels).Taken()
	}
	return err
}

// RemoveVolume removes a volume that no container uses. A reader that a killed
// agent left behind does not count.
func (e *Engine) RemoveVolume(ctx context.Context, install appliance.InstallName, name string) error {
	v, ok, err := e.ownVolume(ctx, install, name)
	if err != nil || !ok {
		return err
	}
	full := v.Name
	readers, err := e.cli.ContainerList(ctx, container.ListOptions{All: true, Filters: e.own(labelReads + "=" + full)})
	if err != nil {
		return e.wrap(err, "list volume readers")
	}
	for _, r := range readers {
		if err := e.removeContainer(ctx, r.ID); err != nil {
			return err
		}
	}
	err = e.cli.VolumeRemove(ctx, full, false)
	if cerrdefs.IsConflict(err) {
		return &problem.Problem{
			Code: "volume-in-use", Kind: problem.Conflict,
			What: "the data of " + string(install) + " (" + name + ") is in use and was not removed",
			Why:  "a container that is not part of the app uses it",
			Next: []string{"docker ps -a --filter volume=" + full, "remove that container, then try again"}, Err: err,
		}
	}
	return e.wrap(ignoreMissing(err), "remove volume")
}

// ReaderImage is the empty image of the helper containers that read volumes;
// it is made here when first needed. LabelHelper is on it.
const (
	ReaderImage = "coopkit/volume-reader:1"
	LabelHelper = "coop.coopkit.helper"
)

const readerMount = "/volume"

// ReadVolume returns a tar stream of a volume's content, with names relative
// to its root. It reads through a container that is created and never started.
func (e *Engine) ReadVolume(ctx context.Context, install appliance.InstallName, name string) (io.ReadCloser, error) {
	v, ok, err := e.ownVolume(ctx, install, name)
	if err == nil && !ok { // the mount below would make one
		err = fmt.Errorf("find volume %s: there is none", engine.VolumeName(install, name))
	}
	if err != nil {
		return nil, err
	}
	full := v.Name
	image, err := e.readerImage(ctx)
	if err != nil {
		return nil, err
	}
	made, err := e.cli.ContainerCreate(ctx, &container.Config{
		Image: image, Cmd: []string{"never-started"}, Labels: map[string]string{labelReads: full, engine.LabelBox: e.owner.Box},
	}, &container.HostConfig{NetworkMode: "none", Mounts: []mount.Mount{{
		Type: mount.TypeVolume, Source: full, Target: readerMount, ReadOnly: true,
		VolumeOptions: &mount.VolumeOptions{NoCopy: true},
	}}}, nil, nil, "")
	if err != nil {
		return nil, e.wrap(err, "create volume reader")
	}
	stream, _, err := e.cli.CopyFromContainer(ctx, made.ID, readerMount+"/.")
	if err != nil {
		return nil, errors.Join(e.wrap(err, "read volume"), e.removeContainer(context.WithoutCancel(ctx), made.ID))
	}
	return &volumeReader{ReadCloser: stream, remove: func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		return e.removeContainer(ctx, made.ID)
	}}, nil
}

// volumeReader removes its helper container when it is closed.
type volumeReader struct {
	io.ReadCloser
	remove func() error
}

// Close ends reading; it is safe to call before the end.
func (r *volumeReader) Close() error { return errors.Join(r.ReadCloser.Close(), r.remove()) }

func (e *Engine) readerImage(ctx context.Context) (string, error) {
	info, ok, err := e.Image(ctx, ReaderImage)
	if err != nil || ok {
		return info.ID, err
	}
	var empty bytes.Buffer
	if err := tar.NewWriter(&empty).Close(); err != nil {
		return "", fmt.Errorf("make an empty image: %w", err)
	}
	info, err = e.Import(ctx, ReaderImage, map[string]string{LabelHelper: "volume-reader"}, &empty)
	return info.ID, err
}
