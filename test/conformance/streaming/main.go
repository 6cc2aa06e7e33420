// SPDX-License-Identifier: Apache-2.0

// Package main is a client of a CRI streaming server: what kubectl and crictl do, with their libraries.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/client-go/util/exec"
)

// output is what came on a stream: its first bytes, and a digest of all of them.
type output struct {
	Text   string `json:"text"`
	Bytes  int64  `json:"bytes"`
	Digest string `json:"digest"`
	hash   hash.Hash
	pause  time.Duration
}

func newOutput(pause time.Duration) *output {
	return &output{hash: sha256.New(), pause: pause}
}

func (o *output) Write(data []byte) (int, error) {
	if room := 4096 - len(o.Text); room > 0 {
		o.Text += string(data[:min(room, len(data))])
	}
	o.Bytes += int64(len(data))
	o.hash.Write(data)
	time.Sleep(o.pause)
	return len(data), nil
}

// result is what the program prints about a command.
type result struct {
	Stdout *output `json:"stdout"`
	Stderr *output `json:"stderr"`
	Code   int     `json:"code"`
	Error  string  `json:"error"`
}

// sizes gives one terminal size after the other, and then waits.
type sizes chan *remotecommand.TerminalSize

func (s sizes) Next() *remotecommand.TerminalSize {
	return <-s
}

var (
	transport = flag.String("transport", "spdy", "spdy or websocket")
	protocol  = flag.String("protocol", "v5.channel.k8s.io", "of a WebSocket command")
	address   = flag.String("url", "", "where the server said to go")
	ca        = flag.String("ca", "", "file of the server's certificate")
	stdin     = flag.Bool("stdin", false, "send this program's input")
	stderr    = flag.Bool("stderr", true, "take the error output")
	tty       = flag.Bool("tty", false, "say that there is a terminal")
	width     = flag.Int("width", 0, "of the terminal")
	pause     = flag.Duration("pause", 0, "before each read of the output")
	timeout   = flag.Duration("timeout", time.Minute, "for a command")
	port      = flag.Int("port", 0, "of the sandbox, to forward")
)

func main() {
	flag.Parse()
	config := &rest.Config{Host: *address, TLSClientConfig: rest.TLSClientConfig{CAFile: *ca}}
	var err error
	if *port != 0 {
		err = forward(config)
	} else {
		err = command(config)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func command(config *rest.Config) error {
	target, err := url.Parse(*address)
	if err != nil {
		return err
	}
	var executor remotecommand.Executor
	if *transport == "websocket" {
		executor, err = remotecommand.NewWebSocketExecutorForProtocols(config, "GET", *address, *protocol)
	} else {
		executor, err = remotecommand.NewSPDYExecutor(config, "POST", target)
	}
	if err != nil {
		return err
	}
	found := result{Stdout: newOutput(*pause), Stderr: newOutput(0)}
	options := remotecommand.StreamOptions{Stdout: found.Stdout, Tty: *tty}
	if *stdin {
		options.Stdin = os.Stdin
	}
	if *stderr {
		options.Stderr = found.Stderr
	}
	if *width != 0 {
		queue := make(sizes, 1)
		queue <- &remotecommand.TerminalSize{Width: uint16(*width), Height: 24}
		options.TerminalSizeQueue = queue
	}
	ctx, cancel := context.WithTimeout(context.Background(), *timeout)
	defer cancel()
	err = executor.StreamWithContext(ctx, options)
	var exit exec.CodeExitError
	if errors.As(err, &exit) {
		found.Code = exit.Code
	} else if err != nil {
		found.Error = err.Error()
	}
	for _, stream := range []*output{found.Stdout, found.Stderr} {
		stream.Digest = hex.EncodeToString(stream.hash.Sum(nil))
	}
	return json.NewEncoder(os.Stdout).Encode(found)
}

// forward prints the local port when it is ready and ends with its input.
func forward(config *rest.Config) error {
	target, err := url.Parse(*address)
	if err != nil {
		return err
	}
	var dialer httpstream.Dialer
	if *transport == "websocket" {
		dialer, err = portforward.NewSPDYOverWebsocketDialer(target, config)
	} else {
		var roundTripper http.RoundTripper
		var upgrader spdy.Upgrader
		roundTripper, upgrader, err = spdy.RoundTripperFor(config)
		if err == nil {
			dialer = spdy.NewDialer(upgrader, &http.Client{Transport: roundTripper}, "POST", target)
		}
	}
	if err != nil {
		return err
	}
	stop, ready := make(chan struct{}), make(chan struct{})
	forwarder, err := portforward.New(dialer, []string{fmt.Sprintf("0:%d", *port)}, stop, ready, io.Discard, os.Stderr)
	if err != nil {
		return err
	}
	go func() {
		<-ready
		ports, err := forwarder.GetPorts()
		if err == nil && len(ports) > 0 {
			fmt.Println(ports[0].Local)
		}
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(stop)
	}()
	return forwarder.ForwardPorts()
}
