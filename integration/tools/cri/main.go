// cri asks a container engine one question in Kubernetes' own words, as the kubelet does, and prints the answer:
//
//	cri unix:///run/containerd/containerd.sock RunPodSandbox '{"config": {...}, "runtime_handler": "oomshim"}'
//
// The method is one of runtime.v1.RuntimeService or ImageService; request and answer are its messages in JSON, the answer in
// one line. crictl would be the usual tool, but the Go module proxy does not serve its module (sigs.k8s.io/cri-tools: 403), and
// this one hides nothing of what is said: a scenario shows the very messages.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
	_ "k8s.io/cri-api/pkg/apis/runtime/v1" // The messages.
)

// Far above what an engine needs to answer in an emulated machine; it is there to tell a hang.
const patience = 3 * time.Minute

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: cri ADDRESS METHOD REQUEST")
		os.Exit(2)
	}
	answer, err := ask(os.Args[1], os.Args[2], os.Args[3])
	if err != nil {
		fmt.Fprintf(os.Stderr, "cri: %s: %v\n", os.Args[2], err)
		os.Exit(1)
	}
	fmt.Println(answer)
}

func ask(address, name, request string) (string, error) {
	method, err := find(protoreflect.Name(name))
	if err != nil {
		return "", err
	}
	in, out := dynamicpb.NewMessage(method.Input()), dynamicpb.NewMessage(method.Output())
	if err := protojson.Unmarshal([]byte(request), in); err != nil {
		return "", err
	}
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return "", err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	path := fmt.Sprintf("/%s/%s", method.Parent().FullName(), method.Name())
	if err := connection.Invoke(ctx, path, in, out, grpc.WaitForReady(true)); err != nil {
		return "", err
	}
	return line(out)
}

func find(name protoreflect.Name) (protoreflect.MethodDescriptor, error) {
	for _, service := range []protoreflect.FullName{"runtime.v1.RuntimeService", "runtime.v1.ImageService"} {
		descriptor, err := protoregistry.GlobalFiles.FindDescriptorByName(service)
		if err != nil {
			return nil, err
		}
		method := descriptor.(protoreflect.ServiceDescriptor).Methods().ByName(name)
		if method == nil {
			continue
		}
		if method.IsStreamingServer() {
			return nil, errors.New("it answers with a stream, which is not read here")
		}
		return method, nil
	}
	return nil, errors.New("CRI has no such method")
}

// protojson puts spaces in at random, so that nobody takes its output for stable.
func line(message protoreflect.ProtoMessage) (string, error) {
	text, err := protojson.MarshalOptions{UseProtoNames: true, EmitUnpopulated: true}.Marshal(message)
	if err != nil {
		return "", err
	}
	var compact bytes.Buffer
	err = json.Compact(&compact, text)
	return compact.String(), err
}
