// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"github.com/containerd/nri/pkg/api"
)

func (p *plugin) Synchronize(ctx context.Context, pods []*api.PodSandbox, containers []*api.Container) ([]*api.ContainerUpdate, error) {
	e := event{Event: "Synchronize"}
	for _, pod := range pods {
		e.Pods = append(e.Pods, raw(pod))
	}
	for _, container := range containers {
		e.Containers = append(e.Containers, raw(container))
	}
	b, err := p.perform(ctx, e)
	p.report(event{Event: "Synchronized"})
	return updates(b.Update), err
}

func (p *plugin) Shutdown(ctx context.Context) {
	_, _ = p.perform(ctx, event{Event: "Shutdown"})
}

func (p *plugin) RunPodSandbox(ctx context.Context, pod *api.PodSandbox) error {
	return p.pod(ctx, "RunPodSandbox", pod)
}

func (p *plugin) UpdatePodSandbox(ctx context.Context, pod *api.PodSandbox, overhead, resources *api.LinuxResources) error {
	_, err := p.perform(ctx, event{
		Event: "UpdatePodSandbox", Pod: raw(pod), Overhead: raw(overhead), Resources: raw(resources),
	})
	return err
}

func (p *plugin) PostUpdatePodSandbox(ctx context.Context, pod *api.PodSandbox) error {
	return p.pod(ctx, "PostUpdatePodSandbox", pod)
}

func (p *plugin) StopPodSandbox(ctx context.Context, pod *api.PodSandbox) error {
	return p.pod(ctx, "StopPodSandbox", pod)
}

func (p *plugin) RemovePodSandbox(ctx context.Context, pod *api.PodSandbox) error {
	return p.pod(ctx, "RemovePodSandbox", pod)
}

func (p *plugin) CreateContainer(ctx context.Context, pod *api.PodSandbox, container *api.Container) (*api.ContainerAdjustment, []*api.ContainerUpdate, error) {
	b, err := p.container(ctx, "CreateContainer", pod, container)
	return adjustment(b), updates(b.Update), err
}

func (p *plugin) PostCreateContainer(ctx context.Context, pod *api.PodSandbox, container *api.Container) error {
	_, err := p.container(ctx, "PostCreateContainer", pod, container)
	return err
}

func (p *plugin) StartContainer(ctx context.Context, pod *api.PodSandbox, container *api.Container) error {
	_, err := p.container(ctx, "StartContainer", pod, container)
	return err
}

func (p *plugin) PostStartContainer(ctx context.Context, pod *api.PodSandbox, container *api.Container) error {
	_, err := p.container(ctx, "PostStartContainer", pod, container)
	return err
}

func (p *plugin) UpdateContainer(ctx context.Context, pod *api.PodSandbox, container *api.Container, resources *api.LinuxResources) ([]*api.ContainerUpdate, error) {
	b, err := p.perform(ctx, event{
		Event: "UpdateContainer", Pod: raw(pod), Container: raw(container), Resources: raw(resources),
	})
	return updates(b.Update), err
}

func (p *plugin) PostUpdateContainer(ctx context.Context, pod *api.PodSandbox, container *api.Container) error {
	_, err := p.container(ctx, "PostUpdateContainer", pod, container)
	return err
}

func (p *plugin) StopContainer(ctx context.Context, pod *api.PodSandbox, container *api.Container) ([]*api.ContainerUpdate, error) {
	b, err := p.container(ctx, "StopContainer", pod, container)
	return updates(b.Update), err
}

func (p *plugin) RemoveContainer(ctx context.Context, pod *api.PodSandbox, container *api.Container) error {
	_, err := p.container(ctx, "RemoveContainer", pod, container)
	return err
}

func (p *plugin) ValidateContainerAdjustment(ctx context.Context, request *api.ValidateContainerAdjustmentRequest) error {
	_, err := p.perform(ctx, event{Event: "ValidateContainerAdjustment", Request: raw(request)})
	return err
}
