-- wrk -s load.lua URL -- FILE HEADER...
-- FILE has a request a line: method, path and body, with tabs between; they are sent in turn.
-- Prints a line of numbers: requests sent and answered, microseconds, bytes, failures, and the median and the
-- 99th percentile of the latency in microseconds. It is for one thread (-t 1).
local requests, last = {}, 0
local only
sent = 0 -- of the thread's own; `done` runs elsewhere

function setup(thread)
  only = thread
end

function init(args)
  for i = 2, #args do
    local name, value = args[i]:match("^(.-): (.*)$")
    wrk.headers[name] = value
  end
  for line in io.lines(args[1]) do
    local method, path, body = line:match("^([^\t]*)\t([^\t]*)\t(.*)$")
    if body == "" then body = nil end
    requests[#requests + 1] = wrk.format(method, path, nil, body)
  end
end

function request()
  last = last % #requests + 1
  sent = sent + 1
  return requests[last]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    "RESULT %d %d %d %d %d %d %d\n",
    only:get("sent"), summary.requests, summary.duration, summary.bytes,
    e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
