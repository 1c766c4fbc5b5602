// Answers 503 while a service is being looked after, at the same time each day.
//
// Configuration: { "from": "22:00", "until": "23:30", "open": "/health" }. Times are UTC; a window may
// cross midnight. Paths that begin with `open` pass all the same.
#include "adit_policy.h"

enum { DAY = 24 * 60 * 60, MAX_PATH = 256 };

static uint32_t from, until;              // seconds since midnight
static char open_path[MAX_PATH];
static size_t open_len;

static bool starts_with(text whole, const char *start, size_t len) {
  if (whole.len < len) return false;
  for (size_t i = 0; i < len; i++) if (whole.at[i] != start[i]) return false;
  return true;
}

// The text behind a name in a flat JSON object of texts. Texts with escapes are not understood, and
// refused: a time has none, and a path can do without.
static bool find(text json, text name, text *value) {
  text strings[2] = {{0}};                // the last name, and the value behind it
  bool is_value = false;
  for (size_t i = 0; i < json.len; i++) {
    if (json.at[i] == ':') { is_value = true; continue; }
    if (json.at[i] == ',') { is_value = false; continue; }
    if (json.at[i] != '"') continue;
    size_t start = ++i;
    while (i < json.len && json.at[i] != '"') if (json.at[i++] == '\\') return false;
    strings[is_value] = (text){json.at + start, i - start};
    if (is_value && strings[0].len == name.len && starts_with(strings[0], name.at, name.len)) {
      *value = strings[1];
      return true;
    }
  }
  return false;
}

static bool two_digits(const char *at, uint32_t *number) {
  if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9') return false;
  *number = (uint32_t)(at[0] - '0') * 10 + (uint32_t)(at[1] - '0');
  return true;
}

// "22:30" as seconds since midnight.
static bool time_of_day(text json, text name, uint32_t *seconds) {
  text value;
  uint32_t hours, minutes;
  if (!find(json, name, &value) || value.len != 5 || value.at[2] != ':') return false;
  if (!two_digits(value.at, &hours) || !two_digits(value.at + 3, &minutes)) return false;
  *seconds = hours * 3600 + minutes * 60;
  return hours < 24 && minutes < 60;
}

EXPORT("adit:policy/setup@0.1.0#configure")
const configured *configure(const char *at, size_t len) {
  static configured result;
  text json = {at, len}, path;
  result = (configured){true, TEXT("from and until: expected times such as 22:30, in UTC")};
  if (!time_of_day(json, TEXT("from"), &from) || !time_of_day(json, TEXT("until"), &until))
    return &result;
  open_len = 0;
  if (find(json, TEXT("open"), &path)) {
    result.message = TEXT("open: expected a path of at most 256 octets");
    if (path.len > MAX_PATH || path.len == 0 || path.at[0] != '/') return &result;
    for (; open_len < path.len; open_len++) open_path[open_len] = path.at[open_len];
  }
  result = (configured){false, {0}};
  return &result;
}

// Seconds until the window ends; 0 outside of it.
static uint32_t seconds_left(void) {
  uint32_t now = (uint32_t)(clock_now() / 1000000000u % DAY);
  uint32_t length = (until + DAY - from) % DAY, passed = (now + DAY - from) % DAY;
  return passed < length ? length - passed : 0;
}

static text decimal(uint32_t number, char digits[10]) {
  size_t start = 10;
  do digits[--start] = (char)('0' + number % 10); while (number /= 10);
  return (text){digits + start, 10 - start};
}

EXPORT("adit:policy/request-hook@0.1.0#on-request")
const request_verdict *on_request(connection conn, request req) {
  static request_verdict verdict;
  static field headers[2];
  static char digits[10];
  uint32_t left = seconds_left();
  verdict = (request_verdict){.tag = NEXT};
  if (left > 0) {
    text target;
    request_target(req, &target);
    if (open_len == 0 || !starts_with(target, open_path, open_len)) {
      headers[0] = (field){TEXT("content-type"), TEXT("text/plain; charset=utf-8")};
      headers[1] = (field){TEXT("retry-after"), decimal(left, digits)};
      verdict.tag = RESPOND;
      verdict.respond = (reply){503, {headers, 2}, TEXT("under maintenance; please come back\n")};
      log_write(INFO, "closed", 6, &(pair){TEXT("seconds_left"), headers[1].value}, 1);
    }
  }
  // A hook gives back what it was lent, or the agent takes it for a fault.
  drop_request(req);
  drop_connection(conn);
  return &verdict;
}

// Called when the agent has read an answer: what it allocated for the call can go.
EXPORT("cabi_post_adit:policy/setup@0.1.0#configure")
void after_configure(const configured *result) { (void)result; forget(); }

EXPORT("cabi_post_adit:policy/request-hook@0.1.0#on-request")
void after_request(const request_verdict *verdict) { (void)verdict; forget(); }
