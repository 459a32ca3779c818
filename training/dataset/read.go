package dataset

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Bounds of a file.
const (
	MaxLine = 8 << 20 // bytes of a line
	MaxRows = 1 << 20
)

var mark = []byte("\xef\xbb\xbf") // of byte order, as some editors put before UTF-8

// Read hands the rows of a file to f, one by one; lines that cannot be rows are
// added to p. It returns the errors of the reader and of f.
func Read(in io.Reader, p *Problems, f func(Row) error) error {
	r := bufio.NewReaderSize(in, 64<<10)
	rows, empty, first := 0, 0, Kind("")
	for line := 1; ; line++ {
		text, long, err := readLine(r)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		end := err != nil
		if line == 1 {
			text = bytes.TrimPrefix(text, mark)
		}
		text = bytes.TrimSuffix(text, []byte("\r"))
		switch {
		case long:
			p.add(line, "", "line_too_long", fmt.Sprintf("the line has more than %d MiB", MaxLine>>20), "shorten or split the row")
		case len(bytes.TrimSpace(text)) == 0:
			if empty == 0 {
				empty = line
			}
		default:
			if empty > 0 { // those at the end of the file do no harm
				p.add(empty, "", "empty_line", "the line is empty", "remove it")
				empty = 0
			}
			row, ok := parse(line, text, p)
			if first == "" {
				first = row.Kind
			}
			if ok && row.Kind != first {
				p.add(line, "", "mixed_kinds", fmt.Sprintf("is a row of kind %s, the first one is of kind %s", row.Kind, first), "keep one kind in a file")
				ok = false
			}
			if rows++; rows > MaxRows {
				p.add(line, "", "too_many_rows", fmt.Sprintf("the file has more than %d rows", MaxRows), "split it")
				return nil
			}
			if ok {
				if err := f(row); err != nil {
					return err
				}
			}
		}
		if end {
			return nil
		}
	}
}

// readLine reads up to a line end, which it leaves out. Of a line that is too long
// nothing is kept.
func readLine(r *bufio.Reader) (line []byte, long bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if !long {
			line = append(line, part...)
		}
		if len(line) > MaxLine+1 {
			line, long = nil, true
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		return bytes.TrimSuffix(line, []byte("\n")), long, err
	}
}
