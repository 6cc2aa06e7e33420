// SPDX-License-Identifier: Apache-2.0

// Command plugin is an NRI plugin on the stub of the NRI module. What it does comes in as JSON lines on stdin, what it is
// told goes out as JSON lines on stdout; a plugin that the engine has started has neither, and gets the same lines as its
// configuration and a file to write to.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"io"
	"os"
	"strings"

	"github.com/containerd/nri/pkg/api"
	"github.com/containerd/nri/pkg/stub"
)

func main() {
	socket := flag.String("socket", "", "where the runtime listens")
	name := flag.String("name", "", "name to register as")
	index := flag.String("index", "00", "index to register with")
	events := flag.String("events", "all", "events to subscribe to")
	flag.Parse()
	p := newPlugin(os.Stdout, *events)
	options := []stub.Option{stub.WithOnClose(func() { p.report(event{Event: "Closed"}) })}
	if *name != "" {
		options = append(options, stub.WithPluginName(*name), stub.WithPluginIdx(*index), stub.WithSocketPath(*socket))
		ready := make(chan struct{})
		go p.obey(os.Stdin, ready)
		<-ready
	}
	var err error
	if p.stub, err = stub.New(p, options...); err == nil {
		err = p.stub.Run(context.Background())
	}
	p.report(event{Event: "Ended", Error: text(err)})
}

// obey carries out commands, a line each; the line "go" lets the plugin connect.
func (p *plugin) obey(input io.Reader, ready chan<- struct{}) {
	scanner := bufio.NewScanner(input)
	scanner.Buffer(nil, 16<<20)
	for scanner.Scan() {
		line := scanner.Text()
		if line == "go" {
			close(ready)
			continue
		}
		p.command([]byte(line))
	}
	os.Exit(0)
}

// Configure takes commands from the configuration, and a line "log FILE".
func (p *plugin) Configure(_ context.Context, config, runtime, version string) (api.EventMask, error) {
	for line := range strings.Lines(config) {
		line = strings.TrimSpace(line)
		if file, ok := strings.CutPrefix(line, "log "); ok {
			output, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
			if err != nil {
				return 0, err
			}
			p.output = json.NewEncoder(output)
		} else if line != "" {
			p.command([]byte(line))
		}
	}
	p.report(event{
		Event: "Configure", Runtime: runtime, Version: version,
		RegistrationTimeout: p.stub.RegistrationTimeout().Milliseconds(),
		RequestTimeout:      p.stub.RequestTimeout().Milliseconds(),
	})
	if _, err := p.perform(context.Background(), event{Event: "Configured"}); err != nil {
		return 0, err
	}
	mask := api.MustParseEventMask(p.events)
	mask.Clear(p.without...)
	return mask, nil
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
