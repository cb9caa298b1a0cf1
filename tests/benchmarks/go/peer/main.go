// Command peer is the webhook that kubebuilder's book would have one write: controller-runtime's
// admission server, a typed pod, and a patch from what it was to what it is.
//
// It does what initshim does for a pod that can be wrapped: init container, volume, mounts,
// commands, status annotation. It knows no registry: what images run it reads from a file.
package main

import (
	"context"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

type injector struct {
	decoder admission.Decoder
	images  map[string][]string
}

func main() {
	scheme := runtime.NewScheme()
	check(corev1.AddToScheme(scheme))
	port, err := strconv.Atoi(os.Getenv("PORT"))
	check(err)
	told, err := os.ReadFile(os.Getenv("IMAGES"))
	check(err)
	handler := &injector{decoder: admission.NewDecoder(scheme)}
	check(json.Unmarshal(told, &handler.images))
	server := webhook.NewServer(webhook.Options{
		Host: "127.0.0.1", Port: port, CertDir: os.Getenv("CERTIFICATES"),
	})
	server.Register("/mutate", &admission.Webhook{Handler: handler})
	check(server.Start(context.Background()))
}

// Handle answers one review.
func (i *injector) Handle(_ context.Context, request admission.Request) admission.Response {
	pod := &corev1.Pod{}
	if err := i.decoder.Decode(request, pod); err != nil {
		return admission.Errored(http.StatusBadRequest, err)
	}
	if pod.Annotations["initshim.dev/inject"] == "false" {
		return admission.Allowed("")
	}
	wrapped := i.inject(pod)
	status, err := json.Marshal(map[string]any{"version": "1.0", "wrapped": wrapped})
	if err != nil {
		return admission.Errored(http.StatusInternalServerError, err)
	}
	if pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	pod.Annotations["initshim.dev/status"] = string(status)
	changed, err := json.Marshal(pod)
	if err != nil {
		return admission.Errored(http.StatusInternalServerError, err)
	}
	return admission.PatchResponseFromRaw(request.Object.Raw, changed)
}

func (i *injector) inject(pod *corev1.Pod) (wrapped []string) {
	for n := range pod.Spec.Containers {
		container := &pod.Spec.Containers[n]
		command := container.Command
		if len(command) == 0 {
			command = i.images[container.Image]
		}
		if len(command) == 0 {
			continue
		}
		container.Command = append([]string{"/.initshim/init", "--"}, command...)
		container.VolumeMounts = append(container.VolumeMounts, corev1.VolumeMount{
			Name: "initshim", MountPath: "/.initshim", ReadOnly: true,
		})
		wrapped = append(wrapped, container.Name)
	}
	size := resource.MustParse("1Mi")
	pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{
		Name: "initshim",
		VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{
			Medium: corev1.StorageMediumMemory, SizeLimit: &size,
		}},
	})
	no, yes := false, true
	first := corev1.Container{
		Name:            "initshim",
		Image:           "ghcr.io/initshim/reaper:1.0",
		ImagePullPolicy: corev1.PullIfNotPresent,
		Command:         []string{"/init", "--install", "/.initshim/init"},
		Resources:       pod.Spec.Containers[0].Resources,
		VolumeMounts:    []corev1.VolumeMount{{Name: "initshim", MountPath: "/.initshim"}},
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: &no,
			ReadOnlyRootFilesystem:   &yes,
			RunAsNonRoot:             &yes,
			Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			SeccompProfile:           &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
	}
	pod.Spec.InitContainers = append([]corev1.Container{first}, pod.Spec.InitContainers...)
	return wrapped
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
