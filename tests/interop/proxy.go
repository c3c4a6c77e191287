package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"
)

// A proxy passes everything on to localcloud. Around a query job it looks at the tables that the statement may name,
// before and after, and writes that down for the judge.
type proxy struct {
	url     string
	cloud   *cloud
	forward *httputil.ReverseProxy
	one     sync.Mutex // one query at a time: what another one writes would be taken for this one's work
	record  *json.Encoder
	failed  error // the first that kept a case out of the record
}

// A testCase is one query job, and what localcloud made of it.
type testCase struct {
	Suite, Project string
	Query          queryConfig
	// Those in the statement's text; the tables with what they held.
	Datasets      map[string]bool
	Before, After []*table
	// Of localcloud: both empty when the statement did its work.
	Reason, Message string
	Result          *queryResult // of the last statement; nil where it has none
	Unseen          string       // why nothing is known of the outcome; or empty
	Program         bool         // one of the programs sent it, not a test
	From, To        int64        // when localcloud worked on it, in microseconds of the epoch
}

type queryConfig struct {
	Query          string `json:"query"`
	UseLegacySQL   *bool  `json:"useLegacySql"`
	DefaultDataset struct {
		ProjectID string `json:"projectId"`
		DatasetID string `json:"datasetId"`
	} `json:"defaultDataset"`
	QueryParameters []parameter     `json:"queryParameters"`
	Destination     json.RawMessage `json:"destinationTable"`
	DryRun          bool            `json:"dryRun"` // in jobs.query only
}

var jobsPath = regexp.MustCompile(`^/bigquery/v2/projects/([^/]+)/(jobs|queries)$`)

func newProxy(target *url.URL, self, cases string) (*proxy, error) {
	file, err := os.OpenFile(cases, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("INTEROP_CASES: %w", err)
	}
	p := &proxy{url: self, cloud: &cloud{url: target.String()}, record: json.NewEncoder(file)}
	p.forward = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
		},
		// A connection for each request: the transport would repeat one that a fault cut off.
		Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		// What localcloud did not answer, we do not answer.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ErrorLog:     quiet,
	}
	return p, nil
}

// finish waits for the last statement.
func (p *proxy) finish() error {
	p.one.Lock()
	return p.failed
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet && r.URL.Path == "/requests" {
		p.hideOwn(w, r)
		return
	}
	match := jobsPath.FindStringSubmatch(r.URL.Path)
	if r.Method != http.MethodPost || match == nil {
		p.forward.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	query, ok := queryOf(match[2], body)
	if !ok {
		p.forward.ServeHTTP(w, r)
		return
	}
	p.one.Lock()
	defer p.one.Unlock()
	c := &testCase{Suite: os.Getenv("INTEROP_SUITE"), Project: match[1], Query: query, Datasets: map[string]bool{},
		Program: strings.HasPrefix(r.Header.Get("User-Agent"), "sluice/")}
	p.cloud.authorization = r.Header.Get("Authorization")
	if err := p.cloud.faultless(); err != nil {
		p.forward.ServeHTTP(w, r) // not judged
		return
	}
	if c.Before, err = p.cloud.snapshot(c); err != nil {
		c.Unseen = "before: " + err.Error()
	}
	c.From = time.Now().UnixMicro()
	answer := &recorder{ResponseWriter: w, status: http.StatusOK}
	defer func() {
		if answer.body.Len() == 0 {
			c.Unseen = "no answer"
		}
		p.observe(c, answer)
		if err := p.record.Encode(c); err != nil && p.failed == nil {
			p.failed = err
		}
	}()
	p.forward.ServeHTTP(answer, r)
}

// queryOf says whether the body of jobs.insert or jobs.query is a statement to be judged.
func queryOf(method string, body []byte) (queryConfig, bool) {
	var job struct {
		Configuration struct {
			Query  *queryConfig `json:"query"`
			DryRun bool         `json:"dryRun"`
		} `json:"configuration"`
	}
	var query queryConfig

	if method == "queries" {
		if json.Unmarshal(body, &query) != nil {
			return query, false
		}
	} else {
		if json.Unmarshal(body, &job) != nil || job.Configuration.Query == nil || job.Configuration.DryRun {
			return query, false
		}
		query = *job.Configuration.Query
	}
	legacy := query.UseLegacySQL == nil || *query.UseLegacySQL
	return query, !legacy && !query.DryRun && len(query.Destination) == 0 && strings.TrimSpace(query.Query) != ""
}

// observe waits for the end of the job and looks at the tables again.
func (p *proxy) observe(c *testCase, answer *recorder) {
	if c.Unseen != "" {
		return
	}
	if err := p.cloud.outcome(c, answer.status, answer.body.Bytes()); err != nil {
		c.Unseen = "after: " + err.Error()
		return
	}
	c.To = time.Now().UnixMicro()
	after, err := p.cloud.snapshot(c)
	if err != nil {
		c.Unseen = "after: " + err.Error()
	}
	c.After = after
}

// hideOwn answers with localcloud's record of requests, without those that the judge made.
func (p *proxy) hideOwn(w http.ResponseWriter, r *http.Request) {
	answer := &recorder{ResponseWriter: discard{http.Header{}}, status: http.StatusOK}
	p.forward.ServeHTTP(answer, r)
	var log map[string]json.RawMessage
	var requests, others []json.RawMessage
	var body []byte
	err := json.Unmarshal(answer.body.Bytes(), &log)
	if err == nil {
		err = json.Unmarshal(log["requests"], &requests)
	}
	for _, request := range requests {
		var who struct{ UserAgent string }
		if json.Unmarshal(request, &who) != nil || who.UserAgent != userAgent {
			others = append(others, request)
		}
	}
	if err == nil {
		log["requests"], err = json.Marshal(append([]json.RawMessage{}, others...))
	}
	if err == nil {
		body, err = json.Marshal(log)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body)
}

// A discard is the client of an answer that nobody gets as it is.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) WriteHeader(int)             {}
func (d discard) Write(b []byte) (int, error) { return len(b), nil }

// A recorder keeps what passes.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	r.body.Write(b)
	return r.ResponseWriter.Write(b)
}
