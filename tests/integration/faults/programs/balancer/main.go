// Command balancer is a Service's address: it hands each new connection to the next endpoint. Which
// endpoints there are it reads from standard input, one line for each change. What is connected
// stays connected, as with kube-proxy; with no endpoint left, who comes is rejected.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

type endpoints struct {
	sync.Mutex
	ready []string
	turn  int
}

func (e *endpoints) next() string {
	e.Lock()
	defer e.Unlock()
	if len(e.ready) == 0 {
		return ""
	}
	e.turn++
	return e.ready[e.turn%len(e.ready)]
}

func (e *endpoints) set(ready []string) {
	e.Lock()
	defer e.Unlock()
	e.ready = ready
}

func main() {
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "balancer:", err)
		os.Exit(1)
	}
	fmt.Println(listener.Addr())
	var known endpoints
	go accept(listener, &known)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		known.set(strings.Fields(lines.Text()))
	}
}

func accept(listener net.Listener, known *endpoints) {
	for {
		client, err := listener.Accept()
		if err != nil {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		go join(client.(*net.TCPConn), known)
	}
}

func join(client *net.TCPConn, known *endpoints) {
	backend, err := net.DialTimeout("tcp", known.next(), 3*time.Second)
	if err != nil {
		client.SetLinger(0) // a reset, as the node's firewall or the pod's kernel would send
		client.Close()
		return
	}
	server := backend.(*net.TCPConn)
	var both sync.WaitGroup
	both.Add(2)
	go pour(&both, server, client)
	go pour(&both, client, server)
	both.Wait()
	client.Close()
	server.Close()
}

// pour copies in the kernel (splice), and passes on how the stream ended.
func pour(both *sync.WaitGroup, to, from *net.TCPConn) {
	defer both.Done()
	if _, err := io.Copy(to, from); err != nil {
		to.SetLinger(0)
		to.Close()
		from.Close()
		return
	}
	to.CloseWrite()
}
