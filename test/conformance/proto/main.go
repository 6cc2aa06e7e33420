// SPDX-License-Identifier: Apache-2.0

// Command descriptors prints the protobuf descriptors of the published Go modules as JSON lines, one message, field,
// enum value or method a line, for compare.ts to hold against ours. What identifies a line is its kind and its name;
// everything else on it must be equal on both sides.
package main

import (
	"encoding/json"
	"os"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	_ "github.com/containerd/cgroups/v3/cgroup1/stats"
	_ "github.com/containerd/cgroups/v3/cgroup2/stats"
	_ "github.com/containerd/containerd/api/events"
	_ "github.com/containerd/containerd/api/runtime/bootstrap/v1"
	_ "github.com/containerd/containerd/api/runtime/sandbox/v1"
	_ "github.com/containerd/containerd/api/runtime/task/v2"
	_ "github.com/containerd/containerd/api/runtime/task/v3"
	_ "github.com/containerd/containerd/api/services/ttrpc/events/v1"
	_ "github.com/containerd/containerd/api/types"
	_ "github.com/containerd/containerd/api/types/runc/options"
	_ "github.com/containerd/containerd/api/types/runtimeoptions/v1"
	_ "github.com/containerd/containerd/api/types/task"
	_ "github.com/containerd/nri/pkg/api"
	_ "github.com/containerd/ttrpc"
	_ "google.golang.org/genproto/googleapis/rpc/status"
	_ "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// prefixes are the protobuf packages that the modules above define and that we may speak.
var prefixes = []string{"runtime.v1", "containerd.", "ttrpc", "runtimeoptions.v1", "io.containerd.cgroups.", "google.rpc", "nri.pkg.api."}

func wanted(name protoreflect.FullName) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(string(name), prefix) {
			return true
		}
	}
	return false
}

type line map[string]any

var output = json.NewEncoder(os.Stdout)

func emit(l line) {
	if err := output.Encode(l); err != nil {
		panic(err)
	}
}

func main() {
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if wanted(file.Package()) {
			messages(file.Messages())
			enums(file.Enums())
			services(file.Services())
		}
		return true
	})
}

func messages(list protoreflect.MessageDescriptors) {
	for i := range list.Len() {
		message := list.Get(i)
		if message.IsMapEntry() {
			continue
		}
		options, _ := message.Options().(*descriptorpb.MessageOptions)
		emit(line{"kind": "message", "name": message.FullName(), "deprecated": options.GetDeprecated()})
		for j := range message.Fields().Len() {
			emit(field(message.Fields().Get(j)))
		}
		messages(message.Messages())
		enums(message.Enums())
	}
}

func field(f protoreflect.FieldDescriptor) line {
	options, _ := f.Options().(*descriptorpb.FieldOptions)
	l := line{
		"kind": "field", "name": f.FullName(), "number": f.Number(), "json": f.JSONName(),
		"presence": f.HasPresence(), "packed": f.IsPacked(),
		"deprecated": options.GetDeprecated(), "redacted": options.GetDebugRedact(),
	}
	switch {
	case f.IsMap():
		l["type"] = "map<" + typeName(f.MapKey()) + ", " + typeName(f.MapValue()) + ">"
	case f.IsList():
		l["type"] = "repeated " + typeName(f)
	default:
		l["type"] = typeName(f)
	}
	if oneof := f.ContainingOneof(); oneof != nil && !oneof.IsSynthetic() {
		l["oneof"] = oneof.Name()
	}
	return l
}

func typeName(f protoreflect.FieldDescriptor) string {
	if message := f.Message(); message != nil {
		return string(message.FullName())
	}
	if enum := f.Enum(); enum != nil {
		return string(enum.FullName())
	}
	return f.Kind().String()
}

func enums(list protoreflect.EnumDescriptors) {
	for i := range list.Len() {
		enum := list.Get(i)
		for j := range enum.Values().Len() {
			value := enum.Values().Get(j)
			options, _ := value.Options().(*descriptorpb.EnumValueOptions)
			emit(line{
				"kind": "value", "name": string(enum.FullName()) + "." + string(value.Name()),
				"number": value.Number(), "deprecated": options.GetDeprecated(),
			})
		}
	}
}

func services(list protoreflect.ServiceDescriptors) {
	for i := range list.Len() {
		methods := list.Get(i).Methods()
		for j := range methods.Len() {
			method := methods.Get(j)
			options, _ := method.Options().(*descriptorpb.MethodOptions)
			emit(line{
				"kind": "method", "name": method.FullName(),
				"input": method.Input().FullName(), "output": method.Output().FullName(),
				"clientStream": method.IsStreamingClient(), "serverStream": method.IsStreamingServer(),
				"deprecated": options.GetDeprecated(),
			})
		}
	}
}
