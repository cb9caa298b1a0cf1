// Reads JSON as Kubernetes does: a question a line (base64 of a letter and a text), an answer a
// line ({"documents": [...], "error": "..."}). The letter says who reads: the API server a pod
// ("p") or anything ("a"), the kubelet a docker configuration ("d"), a registry's client a
// token server's answer ("t").
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"

	core "k8s.io/api/core/v1"
	apiserver "sigs.k8s.io/json"
)

type answer struct {
	Documents []json.RawMessage `json:"documents"`
	Error     string            `json:"error,omitempty"`
}

// The kubelet's: k8s.io/kubernetes/pkg/credentialprovider, DockerConfigJSON.
type dockerConfig struct {
	Auths map[string]struct {
		Username string `json:"username"`
		Password string `json:"password"`
	} `json:"auths"`
}

// containerd's: core/remotes/docker/auth, FetchTokenResponse.
type token struct {
	Token       string `json:"token"`
	AccessToken string `json:"access_token"`
	ExpiresIn   int    `json:"expires_in"`
}

func read(who byte, text []byte) (any, error) {
	switch who {
	case 'p':
		pod := core.Pod{}
		return &pod, apiserver.UnmarshalCaseSensitivePreserveInts(text, &pod)
	case 'd':
		config := dockerConfig{}
		return &config, json.Unmarshal(text, &config)
	case 't':
		found := token{}
		return &found, json.Unmarshal(text, &found)
	}
	var anything any
	return &anything, apiserver.UnmarshalCaseSensitivePreserveInts(text, &anything)
}

func told(question []byte) answer {
	value, err := read(question[0], question[1:])
	if err != nil {
		return answer{Documents: []json.RawMessage{}, Error: err.Error()}
	}
	written, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return answer{Documents: []json.RawMessage{written}}
}

func main() {
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
		written, err := json.Marshal(told(question))
		if err != nil {
			panic(err)
		}
		out.Write(append(written, '\n'))
		out.Flush()
	}
}
