package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// A verdict is one line of the log.
type verdict struct {
	Suite      string          `json:"suite"`
	Program    bool            `json:"program"` // sent by one of the programs
	Query      string          `json:"query"`
	Parameters []parameter     `json:"parameters,omitempty"`
	Tables     json.RawMessage `json:"tables"`     // as they were, without their rows
	Localcloud string          `json:"localcloud"` // "ok", "unseen", or the reason of its error
	Message    string          `json:"message,omitempty"`
	Analysis   string          `json:"analysis"`  // "ok", or GoogleSQL's error
	Execution  string          `json:"execution"` // "same", "not run: …", "error: …", "different: …"
	// Where the two disagree: "localcloud accepts", "localcloud refuses", "columns", "rows"; else empty.
	Disagree string `json:"disagree"`
	Detail   string `json:"detail,omitempty"`
}

// The engine gives no memory back, and ends at 2 GiB: a process judges so many cases, which takes half of that.
const batch = 40

// So many cases are judged of those that differ only in their rows and in the numbers behind names.
const alike = 3

// judgeAll writes a verdict on each case that is not like many before, a batch a process.
func judgeAll(cases, log string) (int, error) {
	text, err := os.ReadFile(cases)
	if err != nil {
		return 0, err
	}
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	lines, err := chosen(bytes.SplitAfter(text, []byte("\n")))
	if err != nil {
		return 0, err
	}
	batches := slices.Collect(slices.Chunk(lines, batch))
	verdicts, failures := make([][]byte, len(batches)), make([]error, len(batches))
	var wait sync.WaitGroup
	atOnce := make(chan struct{}, runtime.NumCPU())
	for i, some := range batches {
		atOnce <- struct{}{}
		wait.Go(func() {
			defer func() { <-atOnce }()
			judge := exec.Command(self, "batch")
			judge.Stdin, judge.Stderr = bytes.NewReader(bytes.Join(some, nil)), os.Stderr
			verdicts[i], failures[i] = judge.Output()
		})
	}
	wait.Wait()
	if err := errors.Join(failures...); err != nil {
		return 0, err
	}
	return 0, os.WriteFile(log, bytes.Join(verdicts, nil), 0o644)
}

// Names that tests make differ by a number, temporary tables and runs by hexadecimal digits.
var numbered = regexp.MustCompile(`\b[a-z_]{1,12}[0-9]+\b|[0-9a-f]{12,}(_[0-9]+)?`)

// chosen leaves out what is like many before.
func chosen(lines [][]byte) ([][]byte, error) {
	var kept [][]byte

	seen := map[string]int{}
	for _, line := range lines {
		var c testCase
		if len(line) == 0 {
			continue
		}
		if err := json.Unmarshal(line, &c); err != nil {
			return nil, err
		}
		key := fmt.Sprintf("%t %s %s", c.Program, c.Reason, numbered.ReplaceAllString(c.Query.Query, "#"))
		for _, t := range c.Before {
			key += fmt.Sprintf(" %s %v", t.Type, t.Schema)
		}
		if seen[key]++; seen[key] <= alike {
			kept = append(kept, line)
		}
	}
	return kept, nil
}

// judgeBatch reads cases and writes verdicts.
func judgeBatch(in io.Reader, out io.Writer) (int, error) {
	a, err := newAnalyser()
	if err != nil {
		return 0, err
	}
	decoder, encoder := json.NewDecoder(in), json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for {
		var c testCase
		if err := decoder.Decode(&c); err == io.EOF {
			return 0, nil
		} else if err != nil {
			return 0, err
		}
		v, err := a.judge(&c)
		if err == nil {
			err = encoder.Encode(v)
		}
		if err != nil {
			return 0, fmt.Errorf("%w, judging: %s", err, c.Query.Query)
		}
	}
}

func (a *analyser) judge(c *testCase) (*verdict, error) {
	schemas, err := json.Marshal(c.Before)
	if err != nil {
		return nil, err
	}
	v := &verdict{Suite: c.Suite, Program: c.Program, Query: c.Query.Query, Parameters: c.Query.QueryParameters,
		Tables: schemas, Localcloud: "ok", Message: c.Message, Analysis: "ok"}
	if c.Reason != "" {
		v.Localcloud = c.Reason
	}
	if c.Unseen != "" {
		v.Localcloud, v.Message = "unseen", c.Unseen
	}
	c.markAges()
	var wrong invalid
	columns, err := a.analyse(c)
	if errors.As(err, &wrong) {
		v.Analysis = wrong.Error()
	} else if err != nil {
		return nil, err
	}
	switch {
	case v.Analysis != "ok" && (v.Localcloud == "ok" || v.Localcloud == "unseen"):
		v.Execution, v.Disagree, v.Detail = "not run: invalid", "localcloud accepts", v.Analysis
	case v.Analysis != "ok":
		v.Execution = "not run: invalid"
	case outside.MatchString(v.Message):
		v.Execution = "not run: outside of localcloud's subset"
	case v.Localcloud != "ok" && v.Localcloud != "invalidQuery":
		v.Execution = "not run: localcloud did not do it" // 501, a fault, an etag
	case len(columns) > 0 && c.Result != nil && !sameColumns(columns, c.Result.Fields, v):
		v.Execution = "not run: the columns differ"
	default:
		v.execute(c)
	}
	return v, nil
}

// How localcloud says that it leaves something out.
var outside = regexp.MustCompile(`^(The SAFE\. prefix|Statement|WITH RECURSIVE|[A-Z ]+)( is)? not supported|^Function not found`)

// What the emulator keeps as text only: its tables stay as they were.
var noop = regexp.MustCompile(`(?i)\bALTER\s+(TABLE|SCHEMA)\b|\bCREATE\s+SCHEMA\b|\bSET\s+OPTIONS\b`)

func (v *verdict) execute(c *testCase) {
	if v.Execution = c.notRun(); v.Execution != "" {
		v.Execution = "not run: " + v.Execution
		return
	}
	if noop.MatchString(v.Query) {
		v.Execution = "not run: the emulator does nothing on ALTER"
		return
	}
	var unfit notFilled
	result, tables, err := run(c)
	switch {
	case errors.As(err, &unfit):
		v.Execution = "not run: " + err.Error()
	case err != nil:
		v.Execution = "error: " + firstLine(err)
		if v.Localcloud == "ok" {
			v.Disagree, v.Detail = "the emulator fails", v.Execution
		}
	case v.Localcloud != "ok":
		v.Execution = "done"
		v.Disagree, v.Detail = "localcloud refuses", v.Message
	default:
		v.compare(c, result, tables)
	}
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

func (v *verdict) compare(c *testCase, result []string, tables map[string][]string) {
	wantResult, wantTables, err := expected(c)
	if err != nil {
		v.Execution = "not run: " + firstLine(err)
		return
	}
	v.Execution = "same"
	if c.Result != nil && !slices.Equal(result, wantResult) {
		v.differs("the result", result, wantResult)
	}
	for name, want := range wantTables {
		if !slices.Equal(tables[name], want) {
			v.differs("table "+name, tables[name], want)
		}
	}
}

func (v *verdict) differs(what string, emulator, localcloud []string) {
	v.Execution, v.Disagree = "different", "rows"
	v.Detail += fmt.Sprintf("%s: emulator %v, localcloud %v; ", what, only(emulator, localcloud), only(localcloud, emulator))
}

// only is what a has and b has not, at most three of them.
func only(a, b []string) []string {
	var lines []string

	for _, line := range a {
		if !slices.Contains(b, line) && len(lines) < 3 {
			lines = append(lines, line)
		}
	}
	if lines == nil {
		return []string{fmt.Sprintf("(%d rows)", len(a))}
	}
	return lines
}

// sameColumns compares names and types. Unnamed columns are f0_, f1_ and so on in BigQuery's answers.
func sameColumns(analysed []outputColumn, fields []field, v *verdict) bool {
	var want, got []string

	unnamed := 0
	for _, c := range analysed {
		name := c.name
		if name == "" || strings.HasPrefix(name, "$") {
			name = fmt.Sprintf("f%d_", unnamed)
			unnamed++
		}
		want = append(want, name+" "+c.typeName)
	}
	for _, f := range fields {
		got = append(got, f.Name+" "+strings.ReplaceAll(f.sqlType(), "`", ""))
	}
	for i := range want {
		want[i] = strings.ReplaceAll(want[i], "`", "")
	}
	if slices.Equal(want, got) {
		return true
	}
	v.Disagree, v.Detail = "columns", fmt.Sprintf("GoogleSQL %v, localcloud %v", want, got)
	return false
}
