// Command load sends one review over and over, as the API server would: HTTP/1.1 over TLS, on
// connections that stay open. It prints what it saw as one line of JSON.
//
// Without -rate each connection sends its next request when it has the last answer (closed loop).
// With -rate requests are due at fixed times, and a latency counts from the time at which the
// request was due, whether or not a connection was free then (open loop).
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

type report struct {
	Reviews int     `json:"reviews"`
	Seconds float64 `json:"seconds"`
	P50     float64 `json:"p50"`
	P99     float64 `json:"p99"`
	P999    float64 `json:"p999"`
}

type load struct {
	address string
	tls     *tls.Config
	request []byte
	rate    float64
	most    int64
	start   time.Time
	end     time.Time
	taken   atomic.Int64
}

func main() {
	address := flag.String("address", "", "host:port")
	file := flag.String("body", "", "file with the request's body")
	ca := flag.String("ca", "", "file with the CA (PEM)")
	connections := flag.Int("connections", 16, "connections kept open")
	duration := flag.Duration("duration", 2*time.Second, "how long")
	rate := flag.Float64("rate", 0, "reviews a second; 0: as fast as they are answered")
	most := flag.Int64("most", 0, "stop after so many reviews; 0: when the time is over")
	flag.Parse()
	body, err := os.ReadFile(*file)
	check(err)
	pem, err := os.ReadFile(*ca)
	check(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	// A thread that sleeps in the kernel holds one of these: the runtime's own timers are as
	// coarse as a millisecond.
	runtime.GOMAXPROCS(*connections + 4)
	l := &load{address: *address, tls: &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}, rate: *rate, most: *most}
	head := "POST /mutate?timeout=10s HTTP/1.1\r\nHost: initshim.initshim.svc:443\r\n" +
		"User-Agent: kube-apiserver-admission\r\nContent-Length: %d\r\n" +
		"Accept: application/json, */*\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\n\r\n"
	l.request = append(fmt.Appendf(nil, head, len(body)), body...)
	opened := make([]*tls.Conn, *connections)
	for i := range opened {
		opened[i], err = tls.Dial("tcp", l.address, l.tls)
		check(err)
	}
	l.start = time.Now()
	l.end = l.start.Add(*duration)
	latencies := make([][]time.Duration, *connections)
	var working sync.WaitGroup
	for i, connection := range opened {
		working.Go(func() { latencies[i] = l.work(connection) })
	}
	working.Wait()
	seconds := time.Since(l.start).Seconds()
	all := slices.Concat(latencies...)
	slices.Sort(all)
	at := func(part float64) float64 { return all[int(part*float64(len(all)-1))].Seconds() * 1000 }
	check(json.NewEncoder(os.Stdout).Encode(report{len(all), seconds, at(0.5), at(0.99), at(0.999)}))
}

func (l *load) work(connection *tls.Conn) (latencies []time.Duration) {
	answers := bufio.NewReaderSize(connection, 64<<10)
	for {
		number := l.taken.Add(1)
		due := time.Now()
		if l.rate > 0 {
			due = l.start.Add(time.Duration(float64(number) / l.rate * float64(time.Second)))
			sleepUntil(due)
		}
		if due.After(l.end) || l.most > 0 && number > l.most {
			return latencies
		}
		_, err := connection.Write(l.request)
		check(err)
		answer, err := http.ReadResponse(answers, nil)
		check(err)
		_, err = io.Copy(io.Discard, answer.Body)
		check(err)
		if answer.StatusCode != http.StatusOK {
			log.Fatalf("answered %s", answer.Status)
		}
		latencies = append(latencies, time.Since(due))
	}
}

func sleepUntil(due time.Time) {
	if left := time.Until(due); left > 0 {
		wait := syscall.NsecToTimespec(int64(left))
		_ = syscall.Nanosleep(&wait, nil)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
