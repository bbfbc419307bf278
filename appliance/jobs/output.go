// SPDX-License-Identifier: AGPL-3.0-or-later

package jobs

import (
	"context"
	"encoding/json"
	"fmt"
)

// Output is a small value that the step of that name hands to the steps after
// it and to the Undo of any: the id of a snapshot, what an image resolved to. It
// is declared once, beside the steps that use it:
//
//	const taken = jobs.Output[backup.ID]("snapshot")
//
// A value is in the journal when Set returns, so that it is there after kill -9.
type Output[T any] string

// maxOutput is how many bytes of JSON an output may have: it is a handle, and
// what it stands for lies elsewhere.
const maxOutput = 64 << 10

// Set hands v on. Only the Do of the step that the output is named after may
// call it, with its context; a later call replaces the value.
func (o Output[T]) Set(ctx context.Context, v T) error {
	w, ok := ctx.Value(withinKey{}).(within)
	if !ok || w.step() != string(o) {
		return fmt.Errorf("set output %q: this is not its step", o)
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("set output %q: %w", o, err)
	}
	if len(raw) > maxOutput {
		return fmt.Errorf("set output %q: %d bytes are more than %d", o, len(raw), maxOutput)
	}
	return w.run.setOutput(ctx, w.index, raw)
}

// Get returns what was handed on; ok is false when nothing was. The context is
// that of a Do or an Undo of the same job.
func (o Output[T]) Get(ctx context.Context) (v T, ok bool, err error) {
	w, in := ctx.Value(withinKey{}).(within)
	if !in {
		return v, false, fmt.Errorf("get output %q: not in a job", o)
	}
	raw, ok := w.run.output(string(o))
	if !ok {
		return v, false, nil
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, false, fmt.Errorf("get output %q: %w", o, err)
	}
	return v, true, nil
}

// within is where a context is used: in which step of which job.
type within struct {
	run   *run
	index int
}

type withinKey struct{}

func (w within) step() string { return w.run.steps[w.index].Name }

func (j *run) within(ctx context.Context, i int) context.Context {
	return context.WithValue(ctx, withinKey{}, within{j, i})
}

func (j *run) setOutput(ctx context.Context, i int, raw json.RawMessage) error {
	j.outMu.Lock()
	defer j.outMu.Unlock()
	if err := j.r.Journal.SetOutput(ctx, j.rec.ID, i, raw); err != nil {
		return fmt.Errorf("record output: %w", err)
	}
	j.outputs[j.steps[i].Name] = raw
	return nil
}

func (j *run) output(step string) (json.RawMessage, bool) {
	j.outMu.Lock()
	defer j.outMu.Unlock()
	raw, ok := j.outputs[step]
	return raw, ok
}
