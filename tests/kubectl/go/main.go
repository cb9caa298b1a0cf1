// Reads manifests as kubectl does: a question is a file's text.
package main

import (
	"bytes"
	"encoding/json"
	"io"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"

	"initshim.dev/kubectl/lines"
)

// read does what StreamVisitor.Visit of k8s.io/cli-runtime/pkg/resource does with a file.
func read(text []byte) lines.Answer {
	found := lines.Answer{Documents: []json.RawMessage{}}
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	for {
		object := runtime.RawExtension{}
		if err := decoder.Decode(&object); err != nil {
			if err != io.EOF {
				found.Error = err.Error()
			}
			return found
		}
		raw := bytes.TrimSpace(object.Raw)
		if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
			continue
		}
		found.Documents = append(found.Documents, append(json.RawMessage{}, raw...))
	}
}

func main() {
	lines.Serve(read)
}
