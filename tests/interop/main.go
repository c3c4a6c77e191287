// Judge stands between a BigQuery client and localcloud, writes down every statement that passes with the tables around
// it, and asks GoogleSQL itself about them afterwards.
//
//	localcloud [OPTION]...              as localcloud(1): it starts that, and listens in its place
//	localcloud [OPTION]... -- COMMAND   the same, with COMMAND's emulator variables pointing here
//	judge verdicts CASES LOG            judges what was written down: one JSON line a statement
//	judge report LOG DIFFERENCES [FORMS]
//	                                    says what LOG holds; exit status 1 when the two disagree, and with FORMS, where LOG
//	                                    is of all suites, when a line of either file is met by nothing
//
// The environment names the real program (INTEROP_LOCALCLOUD), the file that statements are added to (INTEROP_CASES), and
// what they are said to come from (INTEROP_SUITE).
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
)

func main() {
	status, err := 0, error(nil)

	switch {
	case filepath.Base(os.Args[0]) == "localcloud":
		status, err = standIn(os.Args[1:])
	case len(os.Args) == 4 && os.Args[1] == "report":
		status, err = report(os.Args[2], os.Args[3], "")
	case len(os.Args) == 5 && os.Args[1] == "report":
		status, err = report(os.Args[2], os.Args[3], os.Args[4])
	case len(os.Args) == 4 && os.Args[1] == "verdicts":
		status, err = judgeAll(os.Args[2], os.Args[3])
	case len(os.Args) == 2 && os.Args[1] == "batch":
		status, err = judgeBatch(os.Stdin, os.Stdout)
	case len(os.Args) > 2 && os.Args[1] == "run":
		status, err = runCommand(os.Args[2:])
	default:
		status, err = 64, errors.New("usage: judge verdicts CASES LOG | judge report LOG DIFFERENCES [FORMS]")
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "judge: %v\n", err)
		if status == 0 {
			status = 70
		}
	}
	os.Exit(status)
}

// standIn is localcloud as a test starts it. With a command, the real one starts `judge run COMMAND`.
func standIn(args []string) (int, error) {
	real := os.Getenv("INTEROP_LOCALCLOUD")

	if i := slices.Index(args, "--"); i >= 0 {
		self, err := os.Executable()
		if err != nil {
			return 0, err
		}
		line := append(append([]string{real}, args[:i+1]...), self, "run")
		return 0, syscall.Exec(real, append(line, args[i+1:]...), os.Environ())
	}
	cloud := exec.Command(real, args...)
	cloud.Stderr = os.Stderr
	// Where the judge is killed, nothing is left behind.
	cloud.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cloud.StdoutPipe()
	if err != nil {
		return 0, err
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	if err := cloud.Start(); err != nil {
		return 0, err
	}
	var first struct {
		Listening struct {
			URL string `json:"url"`
		} `json:"@listening"`
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil || json.Unmarshal(line, &first) != nil {
		os.Stdout.Write(line) // --help, a wrong option, a port that is taken
		return exitStatus(cloud.Wait()), nil
	}
	p, err := listen(first.Listening.URL)
	if err != nil {
		_ = cloud.Process.Kill()
		return 0, err
	}
	fmt.Printf("{\"@listening\":{\"url\":\"%s\"}}\n", p.url)
	go func() {
		for s := range signals {
			_ = cloud.Process.Signal(s)
		}
	}()
	status := exitStatus(cloud.Wait())
	return status, p.finish()
}

func runCommand(args []string) (int, error) {
	p, err := listen(os.Getenv("BIGQUERY_EMULATOR_HOST"))
	if err != nil {
		return 0, err
	}
	command := exec.Command(args[0], args[1:]...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.Env = append(os.Environ(), "BIGQUERY_EMULATOR_HOST="+p.url, "STORAGE_EMULATOR_HOST="+p.url)
	err = command.Run()
	if command.ProcessState == nil {
		return 127, err
	}
	return exitStatus(err), p.finish()
}

func exitStatus(err error) int {
	var exit *exec.ExitError

	if err == nil {
		return 0
	}
	if !errors.As(err, &exit) {
		return 71
	}
	if w, ok := exit.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return 128 + int(w.Signal())
	}
	return exit.ExitCode()
}

func listen(cloud string) (*proxy, error) {
	target, err := url.Parse(cloud)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p, err := newProxy(target, "http://"+listener.Addr().String(), os.Getenv("INTEROP_CASES"))
	if err != nil {
		return nil, err
	}
	go func() { _ = http.Serve(listener, p) }()
	return p, nil
}
