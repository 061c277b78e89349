// Renders a chart as Helm does, many times in one process: what a test compares with what our own generator makes of the same values.
//
// usage: helm-render CHART <CASES.json >RESULTS.json
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
)

type release struct {
	Name      string         `json:"name"`
	Namespace string         `json:"namespace"`
	Values    map[string]any `json:"values"`
}

// One of the two is set.
type result struct {
	Files map[string]string `json:"files,omitempty"`
	Error string            `json:"error,omitempty"`
}

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(folder string) error {
	var releases []release
	if err := json.NewDecoder(os.Stdin).Decode(&releases); err != nil {
		return err
	}
	loaded, err := loader.Load(folder)
	if err != nil {
		return err
	}
	if err := loaded.Validate(); err != nil {
		return err
	}
	results := []result{}
	for _, each := range releases {
		files, err := render(loaded, each)
		if err != nil {
			results = append(results, result{Error: err.Error()})
		} else {
			results = append(results, result{Files: files})
		}
	}
	return json.NewEncoder(os.Stdout).Encode(results)
}

// As `helm template` does it: values are checked against values.schema.json first.
func render(loaded *chart.Chart, each release) (map[string]string, error) {
	options := chartutil.ReleaseOptions{Name: each.Name, Namespace: each.Namespace, Revision: 1, IsInstall: true}
	values, err := chartutil.ToRenderValues(loaded, each.Values, options, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(loaded, values)
	if err != nil {
		return nil, err
	}
	// They are no templates; Helm applies them before all others.
	for _, definition := range loaded.CRDObjects() {
		files[definition.Filename] = string(definition.File.Data)
	}
	return files, nil
}
