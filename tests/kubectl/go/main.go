// Reads manifests as kubectl does: a question a line ({"text": base64}), an answer a line
// ({"documents": [...], "error": "..."}).
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
)

type answer struct {
	Documents []json.RawMessage `json:"documents"`
	Error     string            `json:"error,omitempty"`
}

// read does what StreamVisitor.Visit of k8s.io/cli-runtime/pkg/resource does with a file.
func read(text []byte) answer {
	found := answer{Documents: []json.RawMessage{}}
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
	questions := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	for {
		line, err := questions.ReadBytes('\n')
		if err != nil {
			return
		}
		text, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(line)))
		if err != nil {
			panic(err)
		}
		told, err := json.Marshal(read(text))
		if err != nil {
			panic(err)
		}
		out.Write(append(told, '\n'))
		out.Flush()
	}
}
