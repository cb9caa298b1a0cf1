// Command generator sends POST requests at a fixed rate, whether or not the earlier ones were
// answered, and writes one line of CSV for each: when it was due, how long its answer took from
// then, how many attempts it needed, and what became of it.
//
// Latency counts from the moment at which a request was due, so that a server that stalls is
// charged for every request that had to wait (coordinated omission).
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

type options struct {
	url, name, ca, certificate, key, body, mark string
	rate                                        float64
	seconds, timeout, patience                  time.Duration
	images, workers, offset                     int
	http2, renew                                bool
}

type result struct {
	due, latency time.Duration
	attempts     int
	outcome      string
}

func main() {
	var o options
	flag.StringVar(&o.url, "url", "", "where to POST")
	flag.StringVar(&o.name, "name", "", "the name that the server's certificate is for")
	flag.StringVar(&o.ca, "ca", "", "PEM file of the CAs to trust")
	flag.StringVar(&o.certificate, "cert", "", "PEM file of a client certificate")
	flag.StringVar(&o.key, "key", "", "PEM file of its key")
	flag.StringVar(&o.body, "body", "", "file with the body; @N@ is the request's number, @I@ its image's")
	flag.StringVar(&o.mark, "mark", "", "what an answer contains when the pod was wrapped")
	flag.Float64Var(&o.rate, "rate", 100, "requests a second")
	flag.DurationVar(&o.seconds, "for", 10*time.Second, "how long to send")
	flag.DurationVar(&o.timeout, "timeout", 10*time.Second, "how long one attempt may take")
	flag.DurationVar(&o.patience, "patience", 0, "how long to try again after an error that passes")
	flag.IntVar(&o.images, "images", 1, "number of distinct images")
	flag.IntVar(&o.offset, "offset", 0, "number of the first request")
	flag.IntVar(&o.workers, "workers", 0, "send as fast as so many workers can, instead of at a rate")
	flag.BoolVar(&o.http2, "http2", false, "speak HTTP/2, as client-go does; webhooks are called with HTTP/1.1")
	flag.BoolVar(&o.renew, "renew", false, "a new connection for each request")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "generator:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	client, err := dial(o)
	if err != nil {
		return err
	}
	body, err := os.ReadFile(o.body)
	if err != nil {
		return err
	}
	results := make(chan result, 1<<16)
	written := make(chan error, 1)
	go func() { written <- write(results) }()
	send := func(number int, start, due time.Time) {
		results <- post(client, o, body, number, start, due)
	}
	if o.workers > 0 {
		closed(o, send)
	} else {
		open(o, send)
	}
	close(results)
	return <-written
}

// dial gives a client with the API server's settings towards webhooks, which are those of
// k8s.io/client-go/transport: 25 idle connections a host, kept for 90 s; 10 s for a handshake.
func dial(o options) (*http.Client, error) {
	config := &tls.Config{
		ServerName:         o.name,
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // verified below, by the CAs as they are at each handshake
		VerifyConnection:   func(state tls.ConnectionState) error { return verify(o, state) },
	}
	if !o.http2 {
		config.NextProtos = []string{"http/1.1"}
	}
	if o.certificate != "" {
		pair, err := tls.LoadX509KeyPair(o.certificate, o.key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	transport := &http.Transport{
		DialContext:         dialer.DialContext,
		TLSClientConfig:     config,
		TLSHandshakeTimeout: 10 * time.Second,
		MaxIdleConnsPerHost: 25,
		IdleConnTimeout:     90 * time.Second,
		ForceAttemptHTTP2:   o.http2,
		DisableKeepAlives:   o.renew,
	}
	return &http.Client{Transport: transport}, nil
}

// verify reads the CAs anew, for they are renewed while this program runs.
func verify(o options, state tls.ConnectionState) error {
	pem, err := os.ReadFile(o.ca)
	if err != nil {
		return err
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	for _, each := range state.PeerCertificates[1:] {
		between.AddCert(each)
	}
	wanted := x509.VerifyOptions{Roots: roots, Intermediates: between, DNSName: state.ServerName}
	_, err = state.PeerCertificates[0].Verify(wanted)
	return err
}

// open sends each request when it is due.
func open(o options, send func(int, time.Time, time.Time)) {
	var all sync.WaitGroup
	start := time.Now()
	gap := time.Duration(float64(time.Second) / o.rate)
	for number := 0; ; number++ {
		due := start.Add(time.Duration(number) * gap)
		if due.Sub(start) >= o.seconds {
			break
		}
		time.Sleep(time.Until(due))
		all.Add(1)
		go func(number int) {
			defer all.Done()
			send(number, start, due)
		}(number)
	}
	all.Wait()
}

// closed sends the next request when the one before was answered: how many can be had at most.
func closed(o options, send func(int, time.Time, time.Time)) {
	var all sync.WaitGroup
	start := time.Now()
	for worker := 0; worker < o.workers; worker++ {
		all.Add(1)
		go func(number int) {
			defer all.Done()
			for ; time.Since(start) < o.seconds; number += o.workers {
				send(number, start, time.Now())
			}
		}(worker)
	}
	all.Wait()
}

// post sends one request, and sends it again for as long as the error is one that passes: what a
// controller does that has to have its pod.
func post(client *http.Client, o options, body []byte, number int, start, due time.Time) result {
	number += o.offset
	body = bytes.ReplaceAll(body, []byte("@N@"), []byte(strconv.Itoa(number)))
	if o.images > 0 {
		body = bytes.ReplaceAll(body, []byte("@I@"), []byte(strconv.Itoa(number%o.images)))
	}
	for attempt := 1; ; attempt++ {
		outcome, passes := try(client, o, body, attempt)
		if !passes || time.Since(due) > o.patience {
			return result{due.Sub(start), time.Since(due), attempt, outcome}
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func try(client *http.Client, o options, body []byte, attempt int) (outcome string, passes bool) {
	ctx, cancel := context.WithTimeout(context.Background(), o.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, o.url, bytes.NewReader(body))
	if err != nil {
		return err.Error(), false
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json, */*")
	response, err := client.Do(request)
	if err != nil {
		return name(err), true
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return name(err), true
	case response.StatusCode == http.StatusConflict && attempt > 1:
		return "created", false // an earlier attempt did it, and its answer was lost
	case response.StatusCode == http.StatusTooManyRequests || response.StatusCode >= 500:
		return status(response.StatusCode, answer), true
	case response.StatusCode >= 300:
		return status(response.StatusCode, answer), false
	case bytes.Contains(answer, []byte(o.mark)):
		return "wrapped", false
	}
	return "unwrapped", false
}

// status gives what was answered, on one line and short: it is a field of a table.
func status(code int, answer []byte) string {
	return fmt.Sprintf("HTTP %d %.200q", code, answer)
}

func name(err error) string {
	var record tls.RecordHeaderError
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "closed"
	case errors.As(err, &unknown), errors.As(err, &invalid), errors.As(err, &record):
		return "certificate"
	}
	return fmt.Sprintf("%.200q", err.Error())
}

func write(results <-chan result) error {
	out := bufio.NewWriterSize(os.Stdout, 1<<16)
	for each := range results {
		fmt.Fprintf(out, "%d,%d,%d,%s\n",
			each.due.Microseconds(), each.latency.Microseconds(), each.attempts, each.outcome)
	}
	return out.Flush()
}
