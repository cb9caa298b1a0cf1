// Package lines is how a decoder is asked: a question a line, in base64; an answer a line, in JSON.
package lines

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
)

// Answer holds the documents that were read before the error, and that.
type Answer struct {
	Documents []json.RawMessage `json:"documents"`
	Error     string            `json:"error,omitempty"`
}

// Serve answers what comes on standard input until that ends.
func Serve(answer func(question []byte) Answer) {
	questions := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	for {
		line, err := questions.ReadBytes('\n')
		if err != nil {
			return
		}
		question, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(line)))
		if err != nil {
			panic(err)
		}
		written, err := json.Marshal(answer(question))
		if err != nil {
			panic(err)
		}
		out.Write(append(written, '\n'))
		out.Flush()
	}
}
