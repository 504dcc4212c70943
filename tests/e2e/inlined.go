// Go with a function inlined; runs for so many ms.
package main

import (
	"os"
	"strconv"
	"time"
)

var sink uint64

type till struct{ sum uint64 }

func (t *till) add(i uint64) { t.sum += i } // in add

//go:noinline
func (t *till) ring(n uint64) {
	for i := uint64(0); i < n; i++ {
		t.add(i) // in ring
		sink ^= t.sum
	}
}

func main() {
	ms, _ := strconv.Atoi(os.Args[1])
	end := time.Now().Add(time.Duration(ms) * time.Millisecond)
	for t := (till{}); time.Now().Before(end); {
		t.ring(1000003)
	}
}
