package podlog

import (
	"bytes"
	"time"
)

// stampMax is the longest time stamp with the space behind it: nanoseconds and a numeric zone.
const stampMax = len("2006-01-02T15:04:05.000000000+00:00 ")

const stampMin = len("2006-01-02T15:04:05Z ")

// parseStamp reads the time stamp that the kubelet puts before a line: RFC 3339 with up to nine digits of a second, and a
// space. It returns nanoseconds since 1970 and the length with the space, or a length of 0 where b does not begin with a stamp.
// time.Parse would be the most expensive step of reading a log.
func parseStamp(b []byte) (nanos int64, length int) {
	if len(b) < stampMin || b[4] != '-' || b[7] != '-' || b[10] != 'T' || b[13] != ':' || b[16] != ':' {
		return 0, 0
	}
	century, year, month, day := pair(b), pair(b[2:]), pair(b[5:]), pair(b[8:])
	hour, minute, second := pair(b[11:]), pair(b[14:]), pair(b[17:])
	if century < 0 || year < 0 || month < 1 || month > 12 || day < 1 || day > 31 ||
		hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 {
		return 0, 0
	}
	year += century * 100
	if year < 1970 || year > 2261 { // what int64 nanoseconds hold
		return 0, 0
	}
	fraction, i := parseFraction(b, 19)
	zone, i := parseZone(b, i)
	if i <= 0 || i >= len(b) || b[i] != ' ' {
		return 0, 0
	}
	seconds := daysSince1970(year, month, day)*86400 + hour*3600 + minute*60 + second - zone
	return seconds*int64(time.Second) + fraction, i + 1
}

// parseFraction reads ".123456789", shorter or missing, at b[i] and returns nanoseconds and the index behind.
func parseFraction(b []byte, i int) (int64, int) {
	if b[i] != '.' {
		return 0, i
	}
	var n int64
	digits := 0
	for i++; i < len(b) && digits < 9 && b[i] >= '0' && b[i] <= '9'; i++ {
		n = n*10 + int64(b[i]-'0')
		digits++
	}
	if digits == 0 {
		return 0, len(b)
	}
	for ; digits < 9; digits++ {
		n *= 10
	}
	return n, i
}

// parseZone reads "Z" or "+02:00" at b[i] and returns seconds east and the index behind, 0 where there is none.
func parseZone(b []byte, i int) (int64, int) {
	if i < len(b) && b[i] == 'Z' {
		return 0, i + 1
	}
	if i+6 > len(b) || (b[i] != '+' && b[i] != '-') || b[i+3] != ':' {
		return 0, 0
	}
	hours, minutes := pair(b[i+1:]), pair(b[i+4:])
	if hours < 0 || hours > 23 || minutes < 0 || minutes > 59 {
		return 0, 0
	}
	zone := hours*3600 + minutes*60
	if b[i] == '-' {
		zone = -zone
	}
	return zone, i + 6
}

// pair reads two digits, -1 where they are none.
func pair(b []byte) int64 {
	tens, ones := b[0]-'0', b[1]-'0'
	if tens > 9 || ones > 9 {
		return -1
	}
	return int64(tens)*10 + int64(ones)
}

// daysSince1970 counts in the Gregorian calendar, with years that begin in March so that the leap day is the last.
func daysSince1970(year, month, day int64) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 1 - 719468
}

// findStamp looks for the first time stamp in b, at which a line begins that has foreign text glued in front.
func findStamp(b []byte) (at int, nanos int64, length int) {
	for i := 0; ; i++ {
		next := bytes.IndexByte(b[i:], 'T')
		if next < 0 {
			return 0, 0, 0
		}
		i += next
		if at = i - len("2006-01-02"); at < 0 {
			continue
		}
		if nanos, length = parseStamp(b[at:]); length > 0 {
			return at, nanos, length
		}
	}
}
