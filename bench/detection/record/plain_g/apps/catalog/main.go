// The library's catalog: net/http, log/slog in JSON.
package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"time"
)

type settings struct {
	Listen string `json:"listen"`
	Books  int    `json:"books"`
	Covers string `json:"covers"`
}

var ratings map[int]int
var kept []*os.File

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	slog.SetDefault(log)
	release := os.Getenv("CATALOG_RELEASE")
	var set settings
	text, err := os.ReadFile(os.Getenv("CATALOG_CONFIG"))
	if err == nil {
		err = json.Unmarshal(text, &set)
	}
	if err != nil {
		log.Error("cannot read configuration", "path", os.Getenv("CATALOG_CONFIG"), "err", err)
		os.Exit(1)
	}
	http.HandleFunc("/health", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "ok") })
	http.HandleFunc("/catalog/", func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		n, err := strconv.Atoi(r.URL.Path[len("/catalog/"):])
		if err != nil || n > set.Books {
			log.Info("no such book", "path", r.URL.Path)
			http.NotFound(w, r)
			return
		}
		if release == "ratings" && n%2 == 0 {
			ratings[n]++
		}
		cover, err := os.Open(set.Covers)
		if err != nil {
			log.Error("cover not readable", "book", n, "err", err)
			http.Error(w, "cover not readable", http.StatusInternalServerError)
			return
		}
		if release == "covers" {
			kept = append(kept, cover)
		} else {
			cover.Close()
		}
		json.NewEncoder(w).Encode(map[string]any{"book": n, "title": "Volume " + strconv.Itoa(n)})
		log.Info("book shown", "book", n, "ms", time.Since(began).Milliseconds())
	})
	log.Info("catalog listens", "addr", set.Listen, "books", set.Books)
	if err := http.ListenAndServe(set.Listen, nil); err != nil {
		log.Error("server ended", "err", err)
		os.Exit(1)
	}
}
