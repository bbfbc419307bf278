// SPDX-License-Identifier: AGPL-3.0-or-later

package images

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"coopkit/internal/problem"
)

// contextFile is one file that a build may use.
type contextFile struct {
	name       string
	executable bool
	data       []byte
}

const (
	maxContext = 16 << 20 // bytes of a recipe's debian folder
	maxFiles   = 1000
)

// readContext reads a recipe's folder under debian/, sorted by name. Scripts
// are executable whatever the file system says: an embedded one has no modes.
func readContext(w want) ([]contextFile, error) {
	dir := path.Join("debian", w.debian)
	if !fs.ValidPath(dir) || dir == "debian" {
		return nil, badContext(w, "it names a folder outside of debian/", nil)
	}
	var files []contextFile
	total := 0
	err := fs.WalkDir(w.files, dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if !d.Type().IsRegular() {
			return fmt.Errorf("%s is not a plain file", name)
		}
		data, err := fs.ReadFile(w.files, name)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		info, err := d.Info()
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		if total += len(data); total > maxContext || len(files) == maxFiles {
			return fmt.Errorf("the folder holds more than %d MiB or %d files", maxContext>>20, maxFiles)
		}
		script := bytes.HasPrefix(data, []byte("#!")) || strings.HasSuffix(name, ".sh")
		files = append(files, contextFile{
			name: strings.TrimPrefix(name, dir+"/"), executable: script || info.Mode()&0o111 != 0, data: data,
		})
		return nil
	})
	if err != nil {
		return nil, badContext(w, "its folder "+dir+" cannot be read", err)
	}
	slices.SortFunc(files, func(a, b contextFile) int { return strings.Compare(a.name, b.name) })
	if _, ok := slices.BinarySearchFunc(files, "Dockerfile", byName); !ok {
		return nil, badContext(w, "there is no Dockerfile in "+dir, nil)
	}
	return files, nil
}

func byName(f contextFile, name string) int { return strings.Compare(f.name, name) }

func badContext(w want, why string, err error) error {
	return &problem.Problem{
		Code: "debian-build-invalid", Kind: problem.Invalid,
		What: fmt.Sprintf("the recipe %s does not say rightly how %s is built from Debian", w.recipe, w.service),
		Why:  why,
		Next: []string{"coopkit recipe lint " + w.recipe},
		Err:  err,
	}
}

// contextKey hashes what a build is made of besides its base.
func contextKey(files []contextFile) string {
	parts := make([]string, 0, 3*len(files))
	for _, f := range files {
		parts = append(parts, f.name, fmt.Sprint(f.executable), string(f.data))
	}
	return hashOf(parts...)
}

// contextTar packs the files, with the Dockerfile replaced, so that the same
// files give the same bytes.
func contextTar(files []contextFile, dockerfile string) ([]byte, error) {
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	for _, f := range files {
		data, mode := f.data, int64(0o644)
		if f.name == "Dockerfile" {
			data = []byte(dockerfile)
		}
		if f.executable {
			mode = 0o755
		}
		err := tw.WriteHeader(&tar.Header{
			Typeflag: tar.TypeReg, Name: f.name, Mode: mode, Size: int64(len(data)),
			ModTime: time.Unix(0, 0), Format: tar.FormatPAX,
		})
		if err == nil {
			_, err = tw.Write(data)
		}
		if err != nil {
			return nil, fmt.Errorf("pack build context: %w", err)
		}
	}
	if err := tw.Close(); err != nil {
		return nil, fmt.Errorf("pack build context: %w", err)
	}
	return b.Bytes(), nil
}

// prepareDockerfile makes every stage begin with our base or with an earlier
// stage, and puts a label on every layer, so that the layers of a build that
// failed can be found and removed. FROM coopkit/debian-base, FROM ${BASE} and
// FROM $BASE all mean our base; any other image is refused, because only
// Debian's signed packages may come in here.
func prepareDockerfile(text, baseID, buildKey string) (string, error) {
	var out strings.Builder
	stages := map[string]bool{}
	from := 0
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 0 || !strings.EqualFold(f[0], "FROM") {
			out.WriteString(line)
			continue
		}
		if len(f) != 2 && (len(f) != 4 || !strings.EqualFold(f[2], "AS")) {
			return "", fmt.Errorf("cannot read %q", strings.TrimSpace(line))
		}
		switch name, _, _ := strings.Cut(f[1], ":"); {
		case name == BaseName, f[1] == "$BASE", f[1] == "${BASE}":
			f[1] = baseID
		case !stages[f[1]]:
			return "", fmt.Errorf("it is built on %s, which is not %s", f[1], BaseName)
		}
		if len(f) == 4 {
			stages[f[3]] = true
		}
		from++
		fmt.Fprintf(&out, "%s\nLABEL %s=%s\n", strings.Join(f, " "), LabelBuild, buildKey)
	}
	if from == 0 {
		return "", fmt.Errorf("it has no FROM line")
	}
	return out.String(), nil
}
