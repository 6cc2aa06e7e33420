// SPDX-License-Identifier: Apache-2.0

// Command grpcclient calls a CRI server the way the kubelet does, with grpc-go, and prints what came of each call as a
// JSON line. Its arguments are the socket and the names of what to do, in order.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// maxMessage is the kubelet's limit for what it receives.
const maxMessage = 16 << 20

type result struct {
	Step    string `json:"step"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Value   string `json:"value"`
}

func main() {
	connection, err := grpc.NewClient("unix://"+os.Args[1],
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)))
	if err != nil {
		panic(err)
	}
	client := cri.NewRuntimeServiceClient(connection)
	output := json.NewEncoder(os.Stdout)
	for _, step := range os.Args[2:] {
		value, err := run(client, step)
		text, _ := status.FromError(err)
		if err := output.Encode(result{step, text.Code().String(), text.Message(), value}); err != nil {
			panic(err)
		}
	}
}

func run(client cri.RuntimeServiceClient, step string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	switch step {
	case "version":
		answer, err := client.Version(ctx, &cri.VersionRequest{Version: "v1"})
		return answer.GetRuntimeName(), err
	case "missing":
		_, err := client.ContainerStatus(ctx, &cri.ContainerStatusRequest{ContainerId: "x"})
		return "", err
	case "list":
		answer, err := client.ListContainers(ctx, &cri.ListContainersRequest{})
		return fmt.Sprint(len(answer.GetContainers())), err
	case "deadline":
		ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		_, err := client.Status(ctx, &cri.StatusRequest{})
		return "", err
	case "cancel":
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		stream, err := client.GetContainerEvents(ctx, &cri.GetEventsRequest{})
		if err != nil {
			return "", err
		}
		first, err := stream.Recv()
		cancel()
		if err == nil {
			_, err = stream.Recv()
		}
		return first.GetContainerId(), err
	case "stream":
		stream, err := client.StreamContainers(ctx, &cri.StreamContainersRequest{})
		if err != nil {
			return "", err
		}
		return drain(stream)
	case "unserved":
		_, err := client.Attach(ctx, &cri.AttachRequest{})
		return "", err
	case "thousand":
		return thousand(ctx, client)
	}
	return "", errors.New("no such step")
}

func drain(stream cri.RuntimeService_StreamContainersClient) (string, error) {
	total := 0
	for {
		answer, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return fmt.Sprint(total), nil
		}
		if err != nil {
			return fmt.Sprint(total), err
		}
		total += len(answer.GetContainers())
	}
}

func thousand(ctx context.Context, client cri.RuntimeServiceClient) (string, error) {
	var group sync.WaitGroup
	failures := make(chan error, 1000)
	for range 1000 {
		group.Go(func() {
			if _, err := client.Version(ctx, &cri.VersionRequest{}); err != nil {
				failures <- err
			}
		})
	}
	group.Wait()
	close(failures)
	return fmt.Sprint(1000 - len(failures)), <-failures
}
