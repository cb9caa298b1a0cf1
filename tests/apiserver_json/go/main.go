// Reads JSON as Kubernetes does: a question is a letter and a text. The letter says who reads: the
// API server a pod ("p") or anything ("a"), the kubelet a docker configuration ("d"), a registry's
// client a token server's answer ("t").
package main

import (
	"encoding/json"

	core "k8s.io/api/core/v1"
	apiserver "sigs.k8s.io/json"

	"initshim.dev/kubectl/lines"
)

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

func told(question []byte) lines.Answer {
	value, err := read(question[0], question[1:])
	if err != nil {
		return lines.Answer{Documents: []json.RawMessage{}, Error: err.Error()}
	}
	written, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return lines.Answer{Documents: []json.RawMessage{written}}
}

func main() {
	lines.Serve(told)
}
