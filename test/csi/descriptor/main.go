// Prints the descriptor of the official CSI specification, as JSON.
package main

import (
	"os"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protodesc"
)

func main() {
	file := protodesc.ToFileDescriptorProto(csi.File_csi_proto)
	json, err := protojson.Marshal(file)
	if err != nil {
		panic(err)
	}
	if _, err := os.Stdout.Write(json); err != nil {
		panic(err)
	}
}
