package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A table with more rows is analysed only.
const maxRows = 2000

// Those of the judge's own requests are hidden from the tests.
const userAgent = "interop-judge"

var quiet = log.New(io.Discard, "", 0)

// A cloud is localcloud, read over the same API as the programs use.
type cloud struct {
	url, authorization string
}

type field struct {
	Name, Type, Mode string
	Fields           []field
	age              bool // of a result: milliseconds up to now, which are not the same in both
}

type tableName struct {
	ProjectID string `json:"projectId"`
	DatasetID string `json:"datasetId"`
	TableID   string `json:"tableId"`
}

type table struct {
	Name   tableName `json:"tableReference"`
	Type   string    `json:"type"`
	Schema struct {
		Fields []field `json:"fields"`
	} `json:"schema"`
	View struct {
		Query string `json:"query"`
	} `json:"view"`
	TimePartitioning *struct {
		Field string `json:"field"`
	} `json:"timePartitioning"`

	Rows []row `json:"copiedRows"`
	Many bool  `json:"manyRows"` // there are more than maxRows
}

// Cells as the API writes them.
type row struct {
	F []struct {
		V json.RawMessage `json:"v"`
	} `json:"f"`
}

type queryResult struct {
	Fields []field
	Rows   []row
	Many   bool
}

type apiError struct {
	status          int
	Reason, Message string
}

func (e *apiError) Error() string { return fmt.Sprintf("%d %s: %s", e.status, e.Reason, e.Message) }

func decodeError(status int, body []byte) *apiError {
	var envelope struct {
		Error struct {
			Message string
			Errors  []struct{ Reason string }
		}
	}
	e := &apiError{status: status, Reason: "unknown", Message: string(body)}
	if json.Unmarshal(body, &envelope) == nil && len(envelope.Error.Errors) > 0 {
		e.Reason, e.Message = envelope.Error.Errors[0].Reason, envelope.Error.Message
	}
	return e
}

func (c *cloud) get(path string, into any) error {
	return c.getURL("/bigquery/v2/projects/"+path, into)
}

func (c *cloud) getURL(path string, into any) error {
	request, err := http.NewRequest(http.MethodGet, c.url+path, nil)
	if err != nil {
		return err
	}
	request.Header.Set("User-Agent", userAgent)
	if c.authorization != "" {
		request.Header.Set("Authorization", c.authorization)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return decodeError(response.StatusCode, body)
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	return decoder.Decode(into)
}

// faultless is an error where a test has asked for faults that are still to come: what happens next says nothing of SQL,
// and our own looks at the tables would use the faults up.
func (c *cloud) faultless() error {
	var list struct {
		Faults []struct {
			Times *int
			Hits  int
		}
	}
	if err := c.getURL("/faults", &list); err != nil {
		return err
	}
	for _, f := range list.Faults {
		if f.Times == nil && f.Hits < 1 || f.Times != nil && f.Hits < *f.Times {
			return errors.New("a fault is to come")
		}
	}
	return nil
}

// snapshot reads the tables whose names the statement, or a view among them, has in its text.
func (c *cloud) snapshot(t *testCase) ([]*table, error) {
	var found []*table

	text := t.Query.Query + " " + t.Query.DefaultDataset.DatasetID
	for seen := map[tableName]bool{}; ; {
		n := len(found)
		for _, project := range projectsIn(t.Project, text) {
			more, err := c.namedIn(project, t, text, seen)
			if err != nil {
				return nil, err
			}
			found = append(found, more...)
		}
		if len(found) == n {
			return found, nil
		}
		for _, v := range found[n:] {
			text += " " + v.View.Query
		}
	}
}

var projectName = regexp.MustCompile("`([a-z][-a-z0-9]*)[`.]")

// projectsIn are the job's own, and whatever may be another one in the text.
func projectsIn(own, text string) []string {
	projects := []string{own}
	for _, match := range projectName.FindAllStringSubmatch(text, -1) {
		if strings.Contains(match[1], "-") && !slices.Contains(projects, match[1]) {
			projects = append(projects, match[1])
		}
	}
	return projects
}

func (c *cloud) namedIn(project string, t *testCase, text string, seen map[tableName]bool) ([]*table, error) {
	var datasets struct {
		Datasets []struct {
			Reference struct {
				DatasetID string `json:"datasetId"`
			} `json:"datasetReference"`
		}
	}
	var found []*table

	if err := c.get(project+"/datasets?maxResults=1000&all=true", &datasets); err != nil {
		return nil, err
	}
	for _, d := range datasets.Datasets {
		if !strings.Contains(text, d.Reference.DatasetID) {
			continue
		}
		t.Datasets[d.Reference.DatasetID] = true
		more, err := c.named(project, d.Reference.DatasetID, text, seen)
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	return found, nil
}

func (c *cloud) named(project, dataset, text string, seen map[tableName]bool) ([]*table, error) {
	var list struct {
		Tables []struct {
			Reference tableName `json:"tableReference"`
		}
	}
	var found []*table

	if err := c.get(project+"/datasets/"+dataset+"/tables?maxResults=1000", &list); err != nil {
		return nil, err
	}
	for _, entry := range list.Tables {
		name := entry.Reference
		if seen[name] || !strings.Contains(text, name.TableID) {
			continue
		}
		seen[name] = true
		t, err := c.read(name)
		if err != nil {
			return nil, err
		}
		found = append(found, t)
	}
	return found, nil
}

func (c *cloud) read(name tableName) (*table, error) {
	var t table
	var data struct {
		Rows      []row
		PageToken string
	}

	path := name.ProjectID + "/datasets/" + name.DatasetID + "/tables/" + url.PathEscape(name.TableID)
	if err := c.get(path, &t); err != nil {
		return nil, err
	}
	if t.Type == "VIEW" {
		return &t, nil
	}
	err := c.get(fmt.Sprintf("%s/data?maxResults=%d&formatOptions.useInt64Timestamp=true", path, maxRows), &data)
	t.Rows, t.Many = data.Rows, data.PageToken != ""
	return &t, err
}

// outcome fills in what localcloud made of the statement, from the answer to jobs.insert or jobs.query.
func (c *cloud) outcome(t *testCase, status int, body []byte) error {
	var job struct {
		JobReference struct {
			JobID    string `json:"jobId"`
			Location string `json:"location"`
		} `json:"jobReference"`
		Status struct {
			State       string
			ErrorResult *struct{ Reason, Message string }
		}
	}
	var result struct {
		Schema    struct{ Fields []field }
		Rows      []row
		PageToken string
	}

	if status != http.StatusOK {
		e := decodeError(status, body)
		t.Reason, t.Message = e.Reason, e.Message
		return nil
	}
	if err := json.Unmarshal(body, &job); err != nil {
		return err
	}
	id := url.PathEscape(job.JobReference.JobID) + "?location=" + url.QueryEscape(job.JobReference.Location)
	for end := time.Now().Add(time.Minute); job.Status.State != "DONE"; {
		if time.Now().After(end) {
			return fmt.Errorf("the job is %s", job.Status.State)
		}
		if err := c.get(t.Project+"/jobs/"+id, &job); err != nil {
			return err
		}
		if job.Status.State != "DONE" {
			time.Sleep(5 * time.Millisecond)
		}
	}
	if job.Status.ErrorResult != nil {
		t.Reason, t.Message = job.Status.ErrorResult.Reason, job.Status.ErrorResult.Message
		return nil
	}
	options := fmt.Sprintf("&maxResults=%d&formatOptions.useInt64Timestamp=true", maxRows)
	if err := c.get(t.Project+"/queries/"+id+options, &result); err != nil {
		return nil // no longer kept
	}
	if len(result.Schema.Fields) > 0 {
		t.Result = &queryResult{result.Schema.Fields, result.Rows, result.PageToken != ""}
	}
	return nil
}
