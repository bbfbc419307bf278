// SPDX-License-Identifier: AGPL-3.0-or-later

package answered_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"coopkit/internal/answered"
)

func TestWriter_notesWhatIsAnswered(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter)
		status int
		bytes  int64
	}{
		"nothing":          {func(http.ResponseWriter) {}, 0, 0},
		"a body alone":     {func(w http.ResponseWriter) { _, _ = io.WriteString(w, "four") }, 200, 4},
		"status and body":  {func(w http.ResponseWriter) { w.WriteHeader(404); _, _ = io.WriteString(w, "no") }, 404, 2},
		"a hint, no more":  {func(w http.ResponseWriter) { w.WriteHeader(103) }, 0, 0},
		"hint, then final": {func(w http.ResponseWriter) { w.WriteHeader(103); w.WriteHeader(204) }, 204, 0},
		"another protocol": {func(w http.ResponseWriter) { w.WriteHeader(101) }, 101, 0},
	} {
		w := &answered.Writer{ResponseWriter: httptest.NewRecorder()}
		c.answer(w)
		if w.Status != c.status || w.Bytes != c.bytes {
			t.Errorf("%s: %d, %d bytes; want %d, %d", name, w.Status, w.Bytes, c.status, c.bytes)
		}
	}
}

func TestWriter_letsTheControllerThrough(t *testing.T) {
	rec := httptest.NewRecorder()
	err := http.NewResponseController(&answered.Writer{ResponseWriter: rec}).Flush()
	if err != nil || !rec.Flushed {
		t.Error(errors.Join(err, errors.New("not flushed")))
	}
}
