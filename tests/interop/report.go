package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

// A known difference: the statements it is about, and why it is the emulator that is wrong.
type known struct {
	pattern *regexp.Regexp
	line    string
	used    bool
}

// report sums a log up. Status 1: they disagree on a statement, nothing was judged; and, of a log of all suites, for which
// formsName is given, a known difference is gone, or a form of statement was not among those that a program sent.
func report(logName, knownName, formsName string) (int, error) {
	differences, err := readKnown(knownName)
	if err != nil {
		return 0, err
	}
	var forms []known
	if formsName != "" {
		if forms, err = readKnown(formsName); err != nil {
			return 0, err
		}
	}
	verdicts, err := readVerdicts(logName)
	if err != nil {
		return 0, err
	}
	statements, counts := map[string]bool{}, map[string]int{}
	bad := 0
	for i := range verdicts {
		v := &verdicts[i]
		statements[v.Query] = true
		kind, _, _ := strings.Cut(v.Execution, ":")
		switch {
		case v.Disagree == "":
			counts[kind]++
		case explained(differences, v):
			counts["known difference"]++
		default:
			bad++
			fmt.Printf("DISAGREE %s [%s]\n  %s\n  %s\n", v.Disagree, v.Suite, strings.ReplaceAll(v.Query, "\n", "\n  "), v.Detail)
		}
		if v.Program {
			counts["of the programs"]++
		}
		if v.Program && v.Analysis == "ok" && v.Localcloud == "ok" {
			matches(forms, v.Query)
		}
	}
	if formsName != "" {
		bad += unused(differences, "no longer a difference") + unused(forms, "no program sent")
	}
	fmt.Printf("%d cases of %d statements judged:", len(verdicts), len(statements))
	for _, kind := range []string{"of the programs", "same", "error", "not run", "known difference"} {
		fmt.Printf(" %s %d,", kind, counts[kind])
	}
	fmt.Printf(" complaints %d\n", bad)
	if bad > 0 || len(verdicts) == 0 {
		return 1, nil
	}
	return 0, nil
}

func readVerdicts(name string) ([]verdict, error) {
	var list []verdict

	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	for decoder := json.NewDecoder(file); ; {
		var v verdict
		if err := decoder.Decode(&v); err == io.EOF {
			return list, nil
		} else if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
}

// unused says which were not met, and how many.
func unused(list []known, what string) int {
	count := 0
	for _, k := range list {
		if !k.used {
			fmt.Printf("UNUSED %s: %s\n", what, k.line)
			count++
		}
	}
	return count
}

func matches(list []known, text string) {
	for i := range list {
		if list[i].pattern.MatchString(text) {
			list[i].used = true
		}
	}
}

func explained(differences []known, v *verdict) bool {
	text := v.Disagree + ": " + v.Query + " => " + v.Detail
	for i := range differences {
		if differences[i].pattern.MatchString(text) {
			differences[i].used = true
			return true
		}
	}
	return false
}

// readKnown: a regular expression a line; lines that begin with # say why.
func readKnown(name string) ([]known, error) {
	var list []known

	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	for _, line := range strings.Split(string(text), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		pattern, err := regexp.Compile("(?s)" + line)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		list = append(list, known{pattern: pattern, line: line})
	}
	return list, nil
}
