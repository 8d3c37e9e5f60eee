-- SPDX-License-Identifier: MIT
-- One request over and over, for wrk.  METHOD, BODY and DEPTH come from the
-- environment; UNIQUE=prefix gives each request a path of its own, or with
-- CYCLE=n each of a thread's n in turns.
-- Prints one line: RESULT requests microseconds failed bytes
local threads = {}

function setup(thread)
  thread:set("id", #threads)
  table.insert(threads, thread)
end

function init()
  n = 0
  method = os.getenv("METHOD") or "GET"
  body = os.getenv("BODY")
  unique = os.getenv("UNIQUE")
  cycle = tonumber(os.getenv("CYCLE"))
  headers = { ["Content-Type"] = "application/xml; charset=utf-8", ["Depth"] = os.getenv("DEPTH") }
end

function request()
  if unique then
    n = n + 1
    return wrk.format(method, unique .. id .. "-" .. (cycle and n % cycle or n), headers, body)
  end
  return wrk.format(method, nil, headers, body)
end

function done(summary)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d\n", summary.requests, summary.duration,
    e.status + e.connect + e.read + e.write + e.timeout, summary.bytes))
end
