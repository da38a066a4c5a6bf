// App is a program that uses a database all the time, and whose password there
// is another every few seconds. It is told where the database is, and as whom to
// connect, by a file that holds a URL; on SIGHUP it reads that file again.
//
// It moves without losing a query: new connections are made and tried out first,
// then queries go there, and the old connections are closed when the last query
// on them is done. If the new ones cannot be made, it stays with the old ones and
// tries again.
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	_ "github.com/lib/pq"
)

const (
	workers = 4
	pause   = 5 * time.Millisecond // of a worker between two queries
	timeout = 5 * time.Second      // for one query
	again   = 200 * time.Millisecond
)

func main() {
	file := flag.String("url", "", "the `file` with the URL of the database")
	moves := flag.Int("moves", 0, "end after so many `moves` to new credentials; 0 for never")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *file, *moves); err != nil {
		fmt.Fprintln(os.Stderr, "app:", err)
		os.Exit(1)
	}
}

// run works until ctx ends or the app has moved often enough.
func run(ctx context.Context, file string, moves int) error {
	reload := make(chan os.Signal, 1) // one is enough: the file is read after it
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(reload)
	first, err := open(ctx, file)
	if err != nil {
		return err
	}
	a := &app{current: first}
	fmt.Println("working as", first.user)

	ctx, done := context.WithCancel(ctx)
	var all sync.WaitGroup
	for range workers {
		all.Go(func() { a.work(ctx) })
	}
	for n := 0; moves == 0 || n < moves; n++ {
		if a.move(ctx, file, reload) != nil {
			break
		}
	}
	done()
	all.Wait()
	a.current.close()
	return a.sum()
}

// An app has one database at a time.
type app struct {
	mu      sync.Mutex
	current *database
	queries int
	failed  int
}

// move waits for a signal and goes over to what the file says then. The error is
// that of ctx.
func (a *app) move(ctx context.Context, file string, reload <-chan os.Signal) error {
	select {
	case <-reload:
	case <-ctx.Done():
		return ctx.Err()
	}
	next, err := open(ctx, file)
	for ; err != nil; next, err = open(ctx, file) {
		fmt.Println("still as before:", err)
		select {
		case <-time.After(again):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	a.mu.Lock()
	old := a.current
	a.current = next
	fmt.Printf("working as %s, after %d queries\n", next.user, a.queries)
	a.mu.Unlock()
	old.close()
	return nil
}

// work makes one query after the other.
func (a *app) work(ctx context.Context) {
	for tick := time.NewTicker(pause); ctx.Err() == nil; {
		a.count(a.query())
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// query is what the app does all the time: it adds a row and reads it again.
func (a *app) query() error {
	db := a.acquire()
	defer db.release()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	var id, read int
	if err := db.QueryRowContext(ctx, "INSERT INTO visits DEFAULT VALUES RETURNING id").Scan(&id); err != nil {
		return err
	}
	return db.QueryRowContext(ctx, "SELECT id FROM visits WHERE id = $1", id).Scan(&read)
}

// acquire returns the database to ask now, which stays open until release.
func (a *app) acquire() *database {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.current.users.Add(1)
	return a.current
}

func (a *app) count(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.queries++
	if err != nil {
		a.failed++
		fmt.Println("failed:", err)
	}
}

// sum tells how it went.
func (a *app) sum() error {
	fmt.Printf("%d queries, %d failed\n", a.queries, a.failed)
	if a.failed > 0 {
		return errors.New("queries failed")
	}
	return nil
}

// A database is a pool of connections under one user's name.
type database struct {
	*sql.DB
	user  string
	users sync.WaitGroup // the queries under way
}

// open returns the database that the file names, after it has answered.
func open(ctx context.Context, file string) (*database, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("postgres", strings.TrimSpace(string(text)))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(workers)
	db.SetMaxIdleConns(workers)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	d := &database{DB: db}
	if err := db.QueryRowContext(ctx, "SELECT current_user").Scan(&d.user); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return d, nil
}

func (d *database) release() { d.users.Done() }

// close closes the connections when the last query is done.
func (d *database) close() {
	d.users.Wait()
	_ = d.Close() // nothing is under way that could fail
}
