package zone

import "time"

// The proleptic Gregorian calendar as arithmetic on day numbers. A day number
// counts days from 1970-01-01, which is day 0 and a Thursday.

// Seconds is a reading of a wall clock as a number: the seconds that a clock
// without transitions has counted since it showed 1970-01-01 00:00:00. It is
// no instant; only a zone makes it one.
type Seconds int64

// DaySeconds is the length of a day of a clock without transitions.
const DaySeconds = 24 * 60 * 60

// DayNumber is the number of a date. The month may be out of range; it then
// belongs to another year.
func DayNumber(year, month, day int) int {
	// Months counted from March, so that a leap day ends its year.
	m := year*12 + month - 3
	y, m := floorDiv(m, 12), m-floorDiv(m, 12)*12
	era := floorDiv(y, 400)
	yoe := y - era*400
	doy := (153*m+2)/5 + day - 1
	return era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468
}

// Civil is the date of a day number.
func Civil(days int) (year, month, day int) {
	z := days + 719468
	era := floorDiv(z, 146097)
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	m := (5*doy + 2) / 153
	year, month, day = yoe+era*400, m+3, doy-(153*m+2)/5+1
	if month > 12 {
		year, month = year+1, month-12
	}
	return year, month, day
}

// Weekday is the day of the week of a day number.
func Weekday(days int) time.Weekday { return time.Weekday(days + 4 - floorDiv(days+4, 7)*7) }

// MonthDays is the number of days of a month.
func MonthDays(year, month int) int {
	switch month {
	case 2:
		return YearDays(year) - 337
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// YearDays is the number of days of a year.
func YearDays(year int) int {
	if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		return 366
	}
	return 365
}

// Day is the number of the day on which the clock shows s.
func (s Seconds) Day() int { return int(floorDiv(int64(s), DaySeconds)) }

// OfDay is the number of seconds since midnight of that day.
func (s Seconds) OfDay() int { return int(int64(s) - floorDiv(int64(s), DaySeconds)*DaySeconds) }

// Wall is the reading in its parts.
func (s Seconds) Wall() Wall {
	y, m, d := Civil(s.Day())
	t := s.OfDay()
	return Wall{y, time.Month(m), d, t / 3600, t / 60 % 60, t % 60}
}

// Seconds is the reading as a number.
func (w Wall) Seconds() Seconds {
	return Seconds(DayNumber(w.Year, int(w.Month), w.Day))*DaySeconds + Seconds(w.Hour*3600+w.Minute*60+w.Second)
}

func floorDiv[T int | int64](a, b T) T {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
