// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"archive/tar"
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/engine/docker"
	"coopkit/appliance/engine/hostnet"
	"coopkit/recipes"
)

//go:embed app
var appFiles embed.FS

const (
	addInstall = appliance.InstallName("bench")
	addProject = "coopkit-bench-peer"
	addImage   = "coopkit/bench-app:1"
	// composeVersion is the peer; it is built once, from its own sources.
	composeVersion = "v5.0.2"
)

// addRows compares adding an app whose image is there already: our plan and
// apply against "docker compose up --wait", on the same compose.yaml, until
// all its services are healthy.
func addRows(ctx context.Context, b *bench) (rows []row, err error) {
	compose, err := buildCompose(ctx, b)
	if err != nil {
		return nil, err
	}
	e, err := docker.New("", docker.Owner{Box: "bench-" + strconv.Itoa(os.Getpid())})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	image, err := b.appImage(ctx, e)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.RemoveImage(context.WithoutCancel(ctx), image.ID)) }()
	file, err := b.composeFile()
	if err != nil {
		return nil, err
	}
	var ours, theirs []float64
	for round := range b.rounds {
		us, err := addOurs(ctx, e, image)
		if err != nil {
			return nil, err
		}
		them, err := addTheirs(ctx, compose, file)
		if err != nil {
			return nil, err
		}
		ours, theirs = append(ours, us), append(theirs, them)
		b.say("  round %d coopkit %.2f s, compose %.2f s", round+1, us, them)
	}
	return []row{{
		what: "add an app, images present", ours: median(ours), unit: "s",
		peer: "Compose " + composeVersion, them: median(theirs), goal: 1, most: true,
	}}, nil
}

func addOurs(ctx context.Context, e engine.Engine, image appliance.Image) (took float64, err error) {
	begin := time.Now()
	spec, err := addSpec(ctx, e, image)
	if err != nil {
		return 0, err
	}
	defer func() {
		after := context.WithoutCancel(ctx)
		have, err2 := e.Observe(after, addInstall)
		err = errors.Join(err, err2, engine.Apply(after, e, engine.Teardown(have, false), appliance.Quiet{}))
	}()
	have, err := e.Observe(ctx, addInstall)
	if err != nil {
		return 0, err
	}
	steps, err := engine.Plan(spec, have)
	if err != nil {
		return 0, err
	}
	if err := engine.Apply(ctx, e, steps, appliance.Quiet{}); err != nil {
		return 0, err
	}
	return time.Since(begin).Seconds(), nil
}

// addSpec reads the recipe and chooses a subnet, as an add does.
func addSpec(ctx context.Context, e engine.Engine, image appliance.Image) (engine.Spec, error) {
	folder, err := fs.Sub(appFiles, "app")
	if err != nil {
		return engine.Spec{}, err
	}
	recipe, err := recipes.Load(folder)
	if err != nil {
		return engine.Spec{}, err
	}
	project, err := recipe.Render(recipes.Vars{})
	if err != nil {
		return engine.Spec{}, err
	}
	used, err := e.UsedSubnets(ctx)
	if err != nil {
		return engine.Spec{}, err
	}
	routed, err := hostnet.Subnets()
	if err != nil {
		return engine.Spec{}, err
	}
	subnet, err := engine.ChooseSubnet(engine.DefaultPools(), engine.SubnetBits, append(used, routed...))
	if err != nil {
		return engine.Spec{}, err
	}
	spec := engine.Spec{Install: addInstall, Release: 1, Recipe: recipe.Name, Version: recipe.Version, Subnet: subnet, Volumes: project.Volumes}
	for _, s := range project.Services {
		spec.Services = append(spec.Services, engine.Service{Service: s, Resolved: image})
	}
	_, err = engine.AssignAddresses(subnet, spec.Services, nil)
	return spec, err
}

func addTheirs(ctx context.Context, compose, file string) (took float64, err error) {
	args := []string{"--project-name", addProject, "--file", file}
	defer func() {
		_, err2 := output(context.WithoutCancel(ctx), compose, append(args, "down", "--volumes", "--timeout", "1")...)
		err = errors.Join(err, err2)
	}()
	begin := time.Now()
	if _, err := output(ctx, compose, append(args, "up", "--detach", "--wait")...); err != nil {
		return 0, err
	}
	return time.Since(begin).Seconds(), nil
}

// composeFile is the recipe's compose.yaml with the image that is here.
func (b *bench) composeFile() (string, error) {
	text, err := appFiles.ReadFile("app/compose.yaml")
	if err != nil {
		return "", err
	}
	return b.file("compose.yaml", string(regexp.MustCompile(`image: .*`).ReplaceAll(text, []byte("image: "+addImage))))
}

// appImage puts the engine's test app into the engine: one static program.
func (b *bench) appImage(ctx context.Context, e engine.Engine) (appliance.Image, error) {
	path := filepath.Join(b.dir, "testapp")
	if _, err := output(ctx, "env", "CGO_ENABLED=0", "go", "build", "-trimpath", "-o", path, "./appliance/engine/enginetest/testapp"); err != nil {
		return appliance.Image{}, err
	}
	program, err := os.ReadFile(path) //nolint:gosec // built above
	if err != nil {
		return appliance.Image{}, err
	}
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	err = w.WriteHeader(&tar.Header{Name: "app", Mode: 0o755, Size: int64(len(program))})
	if err == nil {
		_, err = w.Write(program)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		return appliance.Image{}, fmt.Errorf("pack the test app: %w", err)
	}
	info, err := e.Import(ctx, addImage, nil, &archive)
	if err != nil {
		return appliance.Image{}, err
	}
	return appliance.Image{Ref: addImage, ID: info.ID, Source: appliance.FromBundle}, nil
}

// buildCompose builds Docker Compose once and returns its program.
func buildCompose(ctx context.Context, b *bench) (string, error) {
	root, err := os.Getwd()
	if err != nil {
		return "", err
	}
	bin := filepath.Join(root, ".cache", "compose-"+composeVersion)
	program := filepath.Join(bin, "cmd")
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	b.say("  building Docker Compose %s", composeVersion)
	_, err = output(ctx, "env", "GOBIN="+bin, "go", "install", "github.com/docker/compose/v5/cmd@"+composeVersion)
	return program, err
}
