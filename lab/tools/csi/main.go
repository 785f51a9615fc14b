// Command csi prints the descriptor of the Container Storage Interface: all of its messages, for any language.
package main

import (
	"fmt"
	"os"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

func main() {
	files := &descriptorpb.FileDescriptorSet{}
	add(files, csi.File_csi_proto, map[string]bool{})
	content, err := proto.Marshal(files)
	if err == nil {
		_, err = os.Stdout.Write(content)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// add appends a file after all that it imports.
func add(files *descriptorpb.FileDescriptorSet, file protoreflect.FileDescriptor, seen map[string]bool) {
	if seen[file.Path()] {
		return
	}
	seen[file.Path()] = true
	for i := range file.Imports().Len() {
		add(files, file.Imports().Get(i).FileDescriptor, seen)
	}
	files.File = append(files.File, protodesc.ToFileDescriptorProto(file))
}
