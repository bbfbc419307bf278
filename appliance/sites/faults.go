// SPDX-License-Identifier: AGPL-3.0-or-later

package sites

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"unicode/utf8"

	"coopkit/internal/problem"
)

// What is wrong with what was sent. The argument "fault" of each Problem says
// it in one word, for faces that have a sentence of their own.

func invalid(fault, name, what, next string, err error) error {
	return &problem.Problem{
		Code: "site-archive-invalid", Kind: problem.Invalid, What: what, Next: []string{next}, Err: err,
		Args: map[string]string{"fault": fault, "path": shown(name)},
	}
}

func noArchive(err error) error {
	return invalid("kind", "", "what was sent is neither a zip nor a tar archive", "pack the folder of the site as zip or tar.gz, and send it again", err)
}

func damaged(err error) error {
	return invalid("damaged", "", "the archive did not arrive whole, or is damaged", "pack it again and send it", err)
}

func locked() error {
	return invalid("password", "", "the archive is locked with a password", "pack it again without one", nil)
}

func link(name string) error {
	return invalid("link", name, "“"+shown(name)+"” is a link to another place", "put the file itself in its place, and send it again", nil)
}

func special(name string) error {
	return invalid("special", name, "“"+shown(name)+"” is not a plain file", "leave it out, and send it again", nil)
}

func badPath(name string) error {
	return invalid("path", name, "“"+shown(name)+"” cannot be the path of a page: it is too long, or leads out of the site", "give the file another name or place, and send it again", nil)
}

func twice(name string, err error) error {
	return invalid("twice", name, "“"+shown(name)+"” is there twice, or is both a file and a folder", "leave one of them out, and send it again", err)
}

func empty() error {
	return &problem.Problem{
		Code: "site-empty", Kind: problem.Invalid, What: "there is no page in what was sent",
		Next: []string{"send the folder that has index.html in it"}, Args: map[string]string{"fault": "empty"},
	}
}

func oversized(fault, why, arg string, limit int64) error {
	return &problem.Problem{
		Code: "site-too-large", Kind: problem.Invalid, What: "the site is too large", Why: why,
		Next: []string{"leave out what visitors do not need, such as source folders and originals of pictures"},
		Args: map[string]string{"fault": fault, arg: strconv.FormatInt(limit, 10)},
	}
}

func bomb() error {
	return oversized("bomb", "the archive unpacks to far more than a site holds", "ratio", ratio)
}

func tooLarge(limit int64) error {
	return oversized("large", fmt.Sprintf("at most %d MB are allowed", limit/1_000_000), "limit_bytes", limit)
}

func tooMany(limit int) error {
	return oversized("count", fmt.Sprintf("at most %d files are allowed", limit), "limit_count", int64(limit))
}

// diskFull says that the disk is full, if that is what err is.
func diskFull(err error) error {
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
		return err
	}
	return &problem.Problem{
		Code: "site-disk-full", Kind: problem.Failed,
		What: "the disk is full, so the site could not be received",
		Why:  "nothing of it was kept; the site that is published stays as it is",
		Next: []string{"make room on the disk and send the site again", "coopkit doctor"},
		Err:  err,
	}
}

// shown is a name from outside as an error says it.
func shown(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == utf8.RuneError {
			return '\ufffd'
		}
		return r
	}, name)
	if runes := []rune(name); len(runes) > 80 {
		return string(runes[:80]) + "…"
	}
	return name
}
