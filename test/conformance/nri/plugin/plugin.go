// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync"

	"github.com/containerd/nri/pkg/api"
	"github.com/containerd/nri/pkg/stub"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// event is what the plugin was told.
type event struct {
	Event               string            `json:"event"`
	Pod                 json.RawMessage   `json:"pod,omitempty"`
	Container           json.RawMessage   `json:"container,omitempty"`
	Pods                []json.RawMessage `json:"pods,omitempty"`
	Containers          []json.RawMessage `json:"containers,omitempty"`
	Resources           json.RawMessage   `json:"resources,omitempty"`
	Overhead            json.RawMessage   `json:"overhead,omitempty"`
	Request             json.RawMessage   `json:"request,omitempty"`
	Failed              []json.RawMessage `json:"failed,omitempty"`
	Error               string            `json:"error,omitempty"`
	Runtime             string            `json:"runtime,omitempty"`
	Version             string            `json:"version,omitempty"`
	RegistrationTimeout int64             `json:"registrationTimeout,omitempty"`
	RequestTimeout      int64             `json:"requestTimeout,omitempty"`
}

// behaviour is how the plugin answers one event; the zero value accepts it.
type behaviour struct {
	// Block waits for the command "release", or until the runtime gives up.
	Block bool `json:"block"`
	// Deaf waits for the command "release" whatever the runtime does.
	Deaf bool `json:"deaf"`
	// Error refuses.
	Error string `json:"error"`
	// Once is forgotten after it was applied.
	Once bool `json:"once"`
	// Adjust is a ContainerAdjustment, Update a list of ContainerUpdate.
	Adjust json.RawMessage   `json:"adjust"`
	Update []json.RawMessage `json:"update"`
}

// order is a command.
type order struct {
	// Do is behave, release or update.
	Do        string            `json:"do"`
	Event     string            `json:"event"`
	Behaviour behaviour         `json:"behaviour"`
	Update    []json.RawMessage `json:"update"`
}

type plugin struct {
	stub       stub.Stub
	events     string
	without    []api.Event
	mutex      sync.Mutex
	output     *json.Encoder
	behaviours map[string]behaviour
	blocked    map[string]chan struct{}
}

func newPlugin(output io.Writer, events string) *plugin {
	p := &plugin{
		events: events, output: json.NewEncoder(output),
		behaviours: map[string]behaviour{}, blocked: map[string]chan struct{}{},
	}
	if events == "all" { // a plugin that judges is asked for every container, which is for those tests to say
		p.without = []api.Event{api.Event_VALIDATE_CONTAINER_ADJUSTMENT}
	}
	return p
}

func (p *plugin) report(e event) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if err := p.output.Encode(e); err != nil {
		panic(err)
	}
}

func (p *plugin) command(line []byte) {
	var o order
	if err := json.Unmarshal(line, &o); err != nil {
		panic(err)
	}
	switch o.Do {
	case "behave":
		p.mutex.Lock()
		p.behaviours[o.Event] = o.Behaviour
		p.mutex.Unlock()
	case "release":
		p.mutex.Lock()
		if waiting, ok := p.blocked[o.Event]; ok {
			close(waiting)
			delete(p.blocked, o.Event)
		}
		p.mutex.Unlock()
	case "update":
		go func() {
			failed, err := p.stub.UpdateContainers(updates(o.Update))
			e := event{Event: "Updated", Error: text(err)}
			for _, update := range failed {
				e.Failed = append(e.Failed, raw(update))
			}
			p.report(e)
		}()
	default:
		panic("no such command: " + o.Do)
	}
}

// perform reports the event and does what was ordered for it.
func (p *plugin) perform(ctx context.Context, e event) (behaviour, error) {
	p.mutex.Lock()
	b := p.behaviours[e.Event]
	if b.Once {
		delete(p.behaviours, e.Event)
	}
	waiting := make(chan struct{})
	if b.Block || b.Deaf {
		p.blocked[e.Event] = waiting
	}
	p.mutex.Unlock()
	p.report(e)
	switch {
	case b.Deaf:
		<-waiting
	case b.Block:
		select {
		case <-waiting:
		case <-ctx.Done():
		}
	}
	if b.Error != "" {
		return b, errors.New(b.Error)
	}
	return b, nil
}

func raw(message proto.Message) json.RawMessage {
	bytes, err := protojson.MarshalOptions{EmitUnpopulated: false}.Marshal(message)
	if err != nil {
		panic(err)
	}
	return bytes
}

func updates(list []json.RawMessage) []*api.ContainerUpdate {
	var parsed []*api.ContainerUpdate
	for _, bytes := range list {
		update := &api.ContainerUpdate{}
		if err := protojson.Unmarshal(bytes, update); err != nil {
			panic(err)
		}
		parsed = append(parsed, update)
	}
	return parsed
}

func (p *plugin) pod(ctx context.Context, name string, pod *api.PodSandbox) error {
	_, err := p.perform(ctx, event{Event: name, Pod: raw(pod)})
	return err
}

func (p *plugin) container(ctx context.Context, name string, pod *api.PodSandbox, container *api.Container) (behaviour, error) {
	return p.perform(ctx, event{Event: name, Pod: raw(pod), Container: raw(container)})
}
