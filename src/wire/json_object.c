/* SPDX-License-Identifier: MIT */
#include "wire/json_object.h"

#include "http/date.h"
#include "wire/escape.h"

struct json_object
json_begin(struct buf *b)
{
	buf_putc(b, '{');
	return (struct json_object){ .b = b };
}

static void
put_name(struct json_object *o, const char *name)
{
	if (o->some)
		buf_putc(o->b, ',');
	o->some = true;
	json_put_string(o->b, str_from_c(name));
	buf_putc(o->b, ':');
}

void
json_put_text(struct json_object *o, const char *name, struct str value)
{
	put_name(o, name);
	json_put_string(o->b, value);
}

void
json_put_optional(struct json_object *o, const char *name, struct str value)
{
	if (value.len)
		json_put_text(o, name, value);
}

void
json_put_number(struct json_object *o, const char *name, uint64_t value)
{
	put_name(o, name);
	buf_put_u64(o->b, value);
}

void
json_put_true(struct json_object *o, const char *name)
{
	put_name(o, name);
	BUF_LIT(o->b, "true");
}

void
json_put_false(struct json_object *o, const char *name)
{
	put_name(o, name);
	BUF_LIT(o->b, "false");
}

void
json_put_date(struct json_object *o, const char *name, int64_t seconds)
{
	put_name(o, name);
	buf_putc(o->b, '"');
	date_put_rfc3339(o->b, seconds);
	buf_putc(o->b, '"');
}

void
json_put_ms(struct json_object *o, const char *name, int64_t nanoseconds)
{
	put_name(o, name);
	buf_printf(o->b, "%lld.%03lld", (long long)(nanoseconds / 1000000),
	    (long long)(nanoseconds / 1000 % 1000));
}

void
json_put_raw(struct json_object *o, const char *name, struct str value)
{
	put_name(o, name);
	buf_put(o->b, value);
}

void
json_put_array(struct json_object *o, const char *name, struct str items)
{
	put_name(o, name);
	buf_putc(o->b, '[');
	buf_put(o->b, items);
	buf_putc(o->b, ']');
}

void
json_end(struct json_object *o)
{
	buf_putc(o->b, '}');
}
