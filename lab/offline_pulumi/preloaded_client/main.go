// Command preloaded replaces a `python`, with modules that are already loaded.
//
// It requests a fork from the server at ADDRESS, its own path with the suffix `.socket`. The fork runs a script with
// the client's arguments, folder, environment and streams. The client forwards signals, and exits like the
// fork. A suite starts it a thousand times, and Python itself takes ten times as long to start.
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const parentPoll = time.Second

func main() {
	arguments := os.Args[1:]
	if len(arguments) > 0 && arguments[0] == "-u" {
		// Streams of a fork are always unbuffered, so the flag is dropped.
		arguments = arguments[1:]
	}
	server, err := asked(os.Args[0]+".socket", arguments)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	ended := make(chan int, 1)
	go func() { ended <- code(server) }()
	parent := os.Getppid()
	orphaned := time.NewTicker(parentPoll)
	for {
		select {
		case sent := <-signals:
			syscall.Write(server, []byte{byte(sent.(syscall.Signal))})
		case <-orphaned.C:
			if os.Getppid() != parent {
				// The parent has ended, so no signal will end this process.
				os.Exit(1)
			}
		case code := <-ended:
			if code < 0 {
				signal.Reset()
				syscall.Kill(os.Getpid(), syscall.Signal(-code))
				// The end of the process takes a moment.
				time.Sleep(parentPoll)
			}
			os.Exit(code)
		}
	}
}

// asked connects to the server and sends the arguments, folder, environment and streams.
func asked(address string, arguments []string) (int, error) {
	server, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	if err := syscall.Connect(server, &syscall.SockaddrUnix{Name: address}); err != nil {
		return 0, fmt.Errorf("%s: %w", address, err)
	}
	folder, err := os.Getwd()
	if err != nil {
		return 0, err
	}
	fields := slices.Concat([]string{folder, strconv.Itoa(len(arguments))}, arguments, os.Environ())
	text := []byte(strings.Join(fields, "\x00"))
	length := binary.BigEndian.AppendUint32(nil, uint32(len(text)))
	if err := syscall.Sendmsg(server, length, syscall.UnixRights(0, 1, 2), nil, 0); err != nil {
		return 0, err
	}
	for len(text) > 0 {
		written, err := syscall.Write(server, text)
		if err != nil {
			return 0, err
		}
		text = text[written:]
	}
	return server, nil
}

// code waits for the end of the fork: its exit code, or minus the signal that ended it.
func code(server int) int {
	answer := make([]byte, 4)
	for {
		read, err := syscall.Read(server, answer)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || read < len(answer) {
			fmt.Fprintln(os.Stderr, "The server with the modules is gone, and the program with it.")
			return 1
		}
		return int(int32(binary.BigEndian.Uint32(answer)))
	}
}
