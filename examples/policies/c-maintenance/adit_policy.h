// What a policy in C needs of adit's contract: the shapes of its values, the agent's functions, and
// memory. By hand and in one file, because a policy needs few of them; add the ones that you call.
//
// The names are those of policy.wit. A value with several parts is written to memory that the caller
// gives; strings are a pointer and a length, in octets, without a zero at the end.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP "adit:policy/http@0.1.0"
#define CONNECTIONS "adit:policy/connections@0.1.0"
#define CLOCK "adit:policy/clock@0.1.0"
#define LOG "adit:policy/log@0.1.0"
#define IMPORT(interface, name) \
  __attribute__((import_module(interface), import_name(name))) extern
#define EXPORT(name) __attribute__((export_name(name)))

typedef struct { const char *at; size_t len; } text;          // string, list<u8>
typedef struct { text name, value; } field;                   // record field
typedef struct { bool is_some; text value; } maybe_text;      // option<list<u8>>
typedef struct { const field *at; size_t len; } fields;       // list<field>
typedef struct { uint16_t status; fields headers; text body; } reply;
typedef struct { bool is_error; text message; } configured;   // result<_, string>

typedef struct {
  enum { NEXT, RESPOND, REROUTE, ABORT } tag;
  union { reply respond; text reroute, abort; };
} request_verdict;

// The border is made of words of 32 bits; a compiler that lays this out otherwise must not pass.
_Static_assert(sizeof(text) == 8 && sizeof(field) == 16 && sizeof(reply) == 20, "layout");
_Static_assert(offsetof(reply, headers) == 4 && offsetof(reply, body) == 12, "layout");
_Static_assert(offsetof(configured, message) == 4 && offsetof(maybe_text, value) == 4, "layout");
_Static_assert(offsetof(request_verdict, respond) == 4, "layout");

typedef int32_t request;     // handles: valid until the hook returns
typedef int32_t connection;

IMPORT(HTTP, "[method]request.target") void request_target(request, text *);
IMPORT(HTTP, "[method]request.header") void request_header(request, const char *, size_t, maybe_text *);
IMPORT(HTTP, "[resource-drop]request") void drop_request(request);
IMPORT(CONNECTIONS, "[resource-drop]connection") void drop_connection(connection);
IMPORT(CLOCK, "now") uint64_t clock_now(void);

typedef enum { TRACE, DEBUG, INFO, WARN, ERROR } level;
typedef struct { text name, value; } pair;
IMPORT(LOG, "write") void log_write(int32_t level, const char *, size_t, const pair *, size_t);

// A string constant as text.
#define TEXT(constant) ((text){constant, sizeof(constant) - 1})

// Memory for what the agent hands over: given out from front to back, and all of it taken back when
// the agent has read the answer (`forget`). What must live longer is copied elsewhere.
static char arena[64 * 1024];
static size_t arena_used;

static void *take(size_t size, size_t align) {
  size_t start = (arena_used + align - 1) & ~(align - 1);
  if (start > sizeof arena || size > sizeof arena - start) __builtin_trap();
  arena_used = start + size;
  return arena + start;
}

static void forget(void) { arena_used = 0; }

EXPORT("cabi_realloc")
void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
  char *block = take(size, align);
  for (size_t i = 0; i < old_size && i < size; i++) block[i] = ((char *)old)[i];
  return block;
}
