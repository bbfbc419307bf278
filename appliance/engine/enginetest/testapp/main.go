// SPDX-License-Identifier: AGPL-3.0-or-later

// Command testapp is the app that engine tests run in containers: one static
// binary that serves HTTP, says whether it is healthy, and fails on request. It
// is built by enginetest.TestImage and is never part of a release.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	code := run(os.Args[1:])
	os.Exit(code) //nolint:forbidigo // this is main
}

// run does what the first argument says and returns the exit code.
func run(args []string) int {
	if len(args) == 0 {
		args = []string{"serve"}
	}
	args = append(args, "", "")
	var err error
	switch args[0] {
	case "serve":
		err = serve()
	case "health":
		err = health()
	case "say": // say TEXT CODE
		say(os.Stdout, args[1])
		code, _ := strconv.Atoi(args[2])
		return code
	case "copy": // input to output, and a word to standard error
		say(os.Stderr, "copying")
		_, err = io.Copy(os.Stdout, os.Stdin)
	case "write": // write PATH TEXT
		err = os.WriteFile(args[1], []byte(args[2]), 0o600) //nolint:gosec // that is what it is asked for
	case "read": // read PATH
		err = read(args[1])
	case "env": // env NAME
		say(os.Stdout, os.Getenv(args[1]))
	case "find": // find NAME
		err = find(args[1])
	case "get": // get URL, whoever signed its certificate
		err = get(args[1])
	case "eat":
		eat()
	case "work": // work MIB: until it is asked to stop
		mib, _ := strconv.Atoi(args[1])
		work(mib)
	case "fill": // fill PATH MIB
		mib, _ := strconv.Atoi(args[2])
		err = os.WriteFile(args[1], bytes.Repeat([]byte("fill"), mib<<18), 0o600) //nolint:gosec // that is what it is asked for
	default:
		err = errors.New("unknown command " + args[0])
	}
	if err != nil {
		say(os.Stderr, err.Error())
		return 1
	}
	return 0
}

func say(w io.Writer, text string) { _, _ = io.WriteString(w, text+"\n") }

func read(path string) error {
	b, err := os.ReadFile(path) //nolint:gosec // that is what it is asked for
	if err != nil {
		return err
	}
	fi, err := os.Stat(path) //nolint:gosec // that is what it is asked for
	if err != nil {
		return err
	}
	say(os.Stdout, fmt.Sprintf("%04o %s", fi.Mode().Perm(), strings.TrimSpace(string(b))))
	return nil
}

func find(name string) error {
	addrs, err := net.DefaultResolver.LookupHost(context.Background(), name)
	if err != nil {
		return err
	}
	say(os.Stdout, strings.Join(addrs, " "))
	return nil
}

func get(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil) //nolint:gosec // that is what it is asked for
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // a test, and the local authority is not known in here
	}}
	resp, err := client.Do(req) //nolint:gosec // that is what it is asked for
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	say(os.Stdout, resp.Status)
	_, err = io.Copy(os.Stdout, resp.Body)
	return err
}

// eat uses memory until something stops it.
func eat() {
	var all [][]byte
	for {
		b := make([]byte, 4<<20)
		for i := range b {
			b[i] = byte(i)
		}
		all = append(all, b)
		_ = all
	}
}

// work holds so much memory and keeps one processor busy.
func work(mib int) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	held := bytes.Repeat([]byte{1}, mib<<20)
	for i := 0; ctx.Err() == nil; i++ {
		held[i%len(held)]++
	}
}

// serve answers at :8080, or at $LISTEN: GET / with $GREETING, POST /exit?code=N, POST
// /health?ok=false. Every request is a line of its log.
func serve() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var sick atomic.Bool
	exit := make(chan int, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		say(os.Stdout, "GET "+r.URL.Path)
		say(w, os.Getenv("GREETING"))
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if sick.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("POST /health", func(_ http.ResponseWriter, r *http.Request) { sick.Store(r.FormValue("ok") == "false") })
	mux.HandleFunc("POST /exit", func(_ http.ResponseWriter, r *http.Request) {
		code, _ := strconv.Atoi(r.FormValue("code"))
		exit <- code
	})
	server := &http.Server{Addr: ":8080", Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	say(os.Stdout, "serving")
	select {
	case err := <-failed:
		return err
	case code := <-exit:
		say(os.Stderr, "asked to exit with "+strconv.Itoa(code))
		os.Exit(code) //nolint:forbidigo // this is main, and the point is not to end well
	case <-ctx.Done():
		say(os.Stdout, "asked to stop")
	}
	return nil
}

func health() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:8080/healthz", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return errors.New("it answers " + resp.Status)
	}
	return nil
}
