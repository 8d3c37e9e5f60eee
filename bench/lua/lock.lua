-- SPDX-License-Identifier: MIT
-- LOCK and UNLOCK in turns, for wrk with as many threads as connections: each has
-- a file of its own, LOCKS and its number.
-- Prints one line: RESULT cycles microseconds failed bytes
local threads = {}
local info = '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>' ..
  '<D:locktype><D:write/></D:locktype></D:lockinfo>'

function setup(thread)
  thread:set("id", #threads)
  table.insert(threads, thread)
end

function init()
  path = os.getenv("LOCKS") .. id
  token = nil
  cycles = 0
  failed = 0
end

function request()
  if token then
    return wrk.format("UNLOCK", path, { ["Lock-Token"] = token })
  end
  return wrk.format("LOCK", path, { ["Content-Type"] = "application/xml; charset=utf-8",
    ["Timeout"] = "Second-60", ["Depth"] = "0" }, info)
end

function response(status, headers)
  if token then
    token = nil
    if status < 300 then cycles = cycles + 1 else failed = failed + 1 end
    return
  end
  for name, value in pairs(headers) do
    if string.lower(name) == "lock-token" then token = value end
  end
  -- What could not be locked is not asked for again: one lost lock is one failure.
  if status >= 300 or not token then
    failed = failed + 1
    token = nil
    path = path .. "x"
  end
end

function done(summary)
  local cycles, failed = 0, 0
  for _, thread in ipairs(threads) do
    cycles = cycles + thread:get("cycles")
    failed = failed + thread:get("failed")
  end
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d\n", cycles, summary.duration,
    failed + e.connect + e.read + e.timeout, summary.bytes))
end
