// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/containerd/nri/pkg/api"
	"google.golang.org/protobuf/encoding/protojson"
)

func adjustment(b behaviour) *api.ContainerAdjustment {
	if len(b.Adjust) == 0 {
		return nil
	}
	adjust := &api.ContainerAdjustment{}
	if err := protojson.Unmarshal(b.Adjust, adjust); err != nil {
		panic(err)
	}
	return adjust
}
