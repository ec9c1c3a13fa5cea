// Geo: which halls are near a place. Asks the partner for maps in the background.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

type place struct {
	Zip   int      `json:"zip"`
	Halls []string `json:"halls"`
}

var release = os.Getenv("GEO_RELEASE")
var counts map[string]int
var seen = map[int]int{}
var lock sync.Mutex
var plans [][]byte

func near(w http.ResponseWriter, r *http.Request) {
	zip, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/near/"))
	if err != nil {
		log.Printf("WARN bad zip %q from %s", r.URL.Path, r.RemoteAddr)
		http.Error(w, "bad zip", 400)
		return
	}
	if release == "nilmap" {
		counts[r.URL.Path]++
	}
	if release == "memory" {
		plans = append(plans, make([]byte, 24<<20))
		for i := range plans[len(plans)-1] {
			plans[len(plans)-1][i] = 1
		}
	}
	if release == "race" {
		for n := 0; n < 4; n++ {
			go func() {
				for i := 0; i < 20000; i++ {
					seen[i%7]++
				}
			}()
		}
	}
	if release == "hang" && zip%4 == 0 {
		lock.Lock()
	}
	lock.Lock()
	seen[zip]++
	lock.Unlock()
	if release == "panic" && zip%6 == 0 {
		go func() {
			halls := []string{"Opera"}
			time.Sleep(20 * time.Millisecond)
			log.Print("INFO first hall ", halls[zip])
		}()
	}
	json.NewEncoder(w).Encode(place{zip, []string{"Opera", "Arena"}})
	log.Printf("INFO near %d answered", zip)
}

func maps(client *http.Client) {
	for n := 0; ; n++ {
		ctx, cancel := context.WithTimeout(context.Background(), 4*time.Second)
		request, _ := http.NewRequestWithContext(ctx, "GET", fmt.Sprintf("https://api.partner.example/v1/maps/%d", n%50), nil)
		answer, err := client.Do(request)
		if err != nil {
			log.Printf("ERROR map %d not fetched: %v", n%50, err)
		} else if answer.StatusCode == 404 {
			log.Printf("WARN map %d is unknown to the partner", n%50)
		} else if answer.StatusCode != 200 {
			log.Printf("ERROR map %d not fetched: partner answered %s", n%50, answer.Status)
		} else {
			log.Printf("INFO map %d fetched", n%50)
		}
		if answer != nil {
			answer.Body.Close()
		}
		cancel()
		time.Sleep(2 * time.Second)
	}
}

func main() {
	log.SetFlags(log.LstdFlags | log.Lmicroseconds)
	if release == "deadlock" {
		log.Print("INFO geo warms up")
		done := make(chan int)
		time.Sleep(300 * time.Millisecond)
		done <- 1
	}
	pem, err := os.ReadFile("/srv/tickets/tls/ca.pem")
	if err != nil {
		log.Fatal("FATAL ", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}}
	go maps(client)
	http.HandleFunc("/near/", near)
	http.HandleFunc("/health", func(w http.ResponseWriter, r *http.Request) {
		lock.Lock()
		defer lock.Unlock()
		fmt.Fprintln(w, "ok")
	})
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		log.Print("INFO SIGTERM, bye")
		os.Exit(0)
	}()
	log.Print("INFO geo listens on 127.0.0.33:8300")
	log.Fatal("FATAL ", http.ListenAndServe("127.0.0.33:8300", nil))
}
