// SPDX-License-Identifier: MIT
/** What the module makes of each answer, also of those no server should give. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { PartialSuccessError, RefusedError, SheafBulk, UnknownOutcomeError } from "../../web/sheaf-bulk.js";
import { results, resultsWith, scripted } from "./sheaf.mjs";

const OPS = [
  { id: "a", op: "upsert", url: "/a", body: { n: 1 } },
  { id: "b", op: "upsert", url: "/b", body: { n: 2 } },
  { id: "c", op: "read", url: "/c" },
];

const busy = { status: 503, retryable: true, retryAfter: 0, error: "busy" };

async function asking(answers, use) {
  const peer = await scripted(...answers);
  try {
    return await use(new SheafBulk(peer.url, { retries: 3, backoff: 1 }), peer.asked);
  } finally {
    await peer.stop();
  }
}

test("a batch of which all succeeded is its answer", () =>
  asking([results(201)], async (bulk, asked) => {
    const answer = await bulk.send(OPS, { key: "k" });
    assert.equal(answer.summary.success, 3);
    assert.equal(answer.batchId, "b_1");
    assert.deepEqual(answer.results.map((r) => r.id), ["a", "b", "c"]);
    assert.equal(asked.length, 1);
    assert.equal(asked[0].key, '"k"');
    assert.deepEqual(asked[0].operations.map((op) => op.idempotencyKey), ["k/a", "k/b", undefined]);
  }));

test("items that failed are carried by the error, with their operations", () =>
  asking([results(201, { status: 409, retryable: false, error: "Conflict" }, 200)], async (bulk, asked) => {
    const e = await bulk.send(OPS).catch((e) => e);
    assert.ok(e instanceof PartialSuccessError);
    assert.deepEqual(e.failed.map((f) => [f.id, f.status, f.operation.url]), [["b", 409, "/b"]]);
    assert.deepEqual(e.succeeded.map((s) => s.id), ["a", "c"]);
    assert.equal(e.summary.failed, 1);
    assert.match(e.message, /1 of 3 operations failed, first b: Conflict/);
    assert.equal(asked.length, 1, "what is not retryable is not sent again");
  }));

test("only what the server calls retryable is sent again, under the same item keys", () =>
  asking([
    results(201, busy, { status: 404, retryable: false }),
    results(201),
  ], async (bulk, asked) => {
    const e = await bulk.send(OPS, { key: "k" }).catch((e) => e);
    assert.ok(e instanceof PartialSuccessError);
    assert.deepEqual(e.failed.map((f) => f.id), ["c"]);
    assert.equal(e.attempts, 2);
    assert.deepEqual(asked[1].operations, [asked[0].operations[1]]);
    assert.notEqual(asked[1].key, asked[0].key, "another payload needs another batch key");
    assert.deepEqual(e.results.map((r) => [r.index, r.status]), [[0, 201], [1, 201], [2, 404]]);
  }));

test("it waits as long as the server says", () =>
  asking([results({ ...busy, retryAfter: 1 }, 201, 200), results(201)], async (bulk) => {
    const began = Date.now();
    await bulk.send(OPS);
    assert.ok(Date.now() - began >= 990);
  }));

test("what depended on a retried item is sent with it, and all that it needs", () => {
  const ops = [
    { id: "dir", op: "mkcol", url: "/d/" },
    { id: "get", op: "read", url: "/g" },
    { id: "put", op: "update", url: "/d/x", ifMatch: "$get", dependsOn: ["dir"], body: 1 },
    { id: "next", op: "copy", url: "/d/x", destination: "/d/y", dependsOn: ["put"] },
    { id: "other", op: "delete", url: "/o" },
    { id: "never", op: "delete", url: "/p", dependsOn: ["other"] },
  ];
  const first = results(201, 200, busy, { status: 424, causedBy: "put" },
    { status: 404, retryable: false }, { status: 424, causedBy: "other", retryable: true });

  return asking([first, results({ status: 201, replayed: true }, 200, 204, 201)], async (bulk, asked) => {
    const e = await bulk.send(ops).catch((e) => e);
    assert.ok(e instanceof PartialSuccessError);
    assert.deepEqual(asked[1].operations.map((op) => op.id), ["dir", "get", "put", "next"]);
    assert.deepEqual(e.failed.map((f) => f.id), ["other", "never"]);
    assert.equal(e.summary.replayed, 0, "its own success is no replay");
  });
});

test("a group is sent again as a whole", () => {
  const ops = ["a", "b", "c"].map((id, i) => ({ id, op: "upsert", url: `/${id}`, body: 1,
    ...(i ? { atomicityGroup: "g" } : {}) }));

  return asking([results(201, busy, { status: 424, causedBy: "b" }), results(201)], async (bulk, asked) => {
    await bulk.send(ops);
    assert.deepEqual(asked[1].operations.map((op) => op.id), ["b", "c"]);
  });
});

test("an atomic batch is sent again as a whole, and only if nothing speaks against it for good", async () => {
  const refused = (...each) => resultsWith(422, ...each);

  await asking([refused(busy, { status: 424, causedBy: "a" }, { status: 424, causedBy: "a" }), results(201)],
    async (bulk, asked) => {
      await bulk.send(OPS, { mode: "atomic" });
      assert.equal(asked[1].operations.length, 3);
      assert.notEqual(asked[1].key, asked[0].key);
    });
  await asking([refused(busy, { status: 409 }, { status: 424, causedBy: "a" })], async (bulk, asked) => {
    await assert.rejects(bulk.send(OPS, { mode: "atomic" }), PartialSuccessError);
    assert.equal(asked.length, 1);
  });
});

test("it gives up in the end, and says how often it tried", () =>
  asking([results(busy)], async (bulk) => {
    const e = await bulk.send(OPS, { retries: 2 }).catch((e) => e);
    assert.ok(e instanceof PartialSuccessError);
    assert.equal(e.attempts, 3);
    assert.equal(e.failed.length, 3);
  }));

const cuts = {
  "the connection is closed before an answer": (body, response) => response.destroy(),
  "the document is cut": (body, response) => {
    response.writeHead(207, { "Content-Type": "application/json" });
    response.end('{"results": [{"id": "a", "index": 0, "status": 201}');
  },
  "a result is missing": (body, response) => {
    response.writeHead(207, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ results: [{ index: 0, status: 201 }, { index: 2, status: 200 }] }));
  },
  "a result is there twice": (body, response) => {
    response.writeHead(207, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ results: [0, 1, 1].map((index) => ({ index, status: 201 })) }));
  },
  "a status is none": (body, response) => results(201, 207, 200)(body, response),
  "a 200 is a page": (body, response) => {
    response.writeHead(200, { "Content-Type": "text/html" });
    response.end("<p>Log in to this hotspot</p>");
  },
  "a 200 is something else": (body, response) => {
    response.writeHead(200, { "Content-Type": "application/json" });
    response.end("{}");
  },
  "a gateway gave up": (body, response) => {
    response.writeHead(504);
    response.end("upstream");
  },
  "the stream has no summary": (body, response) => {
    response.writeHead(207, { "Content-Type": "application/x-ndjson" });
    response.end('{"type":"start"}\n{"type":"result","id":"a","index":0,"status":201}\n');
  },
  "the stream is cut in a line": (body, response) => {
    response.writeHead(207, { "Content-Type": "application/x-ndjson" });
    response.end('{"type":"result","index":0,"status":201}\n{"type":"summ');
  },
};

for (const [what, cut] of Object.entries(cuts)) {
  test(`it is not success where ${what}`, () =>
    asking([cut], async (bulk) => {
      const e = await bulk.send(OPS, { retries: 1 }).catch((e) => e);
      assert.ok(e instanceof UnknownOutcomeError, String(e));
      assert.ok(e.unknown.some((op) => op.id === "b" || op.id === "c"));
      assert.match(e.message, /send them again with the same key/);
      assert.equal(e.attempts, 2);
    }));
  test(`the same is sent again, under the same key, where ${what}`, () =>
    asking([cut, results(201)], async (bulk, asked) => {
      const answer = await bulk.send(OPS);
      assert.equal(answer.summary.success, 3);
      assert.deepEqual(asked[1].operations, asked[0].operations);
      assert.equal(asked[1].key, asked[0].key);
    }));
}

test("what a stream told before it was cut is known", () =>
  asking([cuts["the stream has no summary"]], async (bulk) => {
    const e = await bulk.send(OPS, { retries: 0 }).catch((e) => e);
    assert.deepEqual(e.results.map((r) => [r.id, r.status]), [["a", 201]]);
    assert.deepEqual(e.unknown.map((op) => op.id), ["b", "c"]);
  }));

test("a retry of which nothing is heard leaves what was known to have succeeded", () =>
  asking([results(201, busy, 200), cuts["a gateway gave up"]], async (bulk) => {
    const e = await bulk.send(OPS, { retries: 1 }).catch((e) => e);
    assert.ok(e instanceof UnknownOutcomeError);
    assert.deepEqual(e.unknown.map((op) => op.id), ["b"]);
    assert.deepEqual(e.results.map((r) => r.id), ["a", "c"]);
  }));

function says(status, problem, headers = {}) {
  return (body, response) => {
    response.writeHead(status, { "Content-Type": "application/problem+json", ...headers });
    response.end(JSON.stringify(problem));
  };
}

test("a batch that is refused as a whole says why, and is not sent again", () =>
  asking([says(400, { type: "about:blank", detail: "two operations have the id a" })], async (bulk, asked) => {
    const e = await bulk.send(OPS).catch((e) => e);
    assert.ok(e instanceof RefusedError);
    assert.equal(e.status, 400);
    assert.match(e.message, /two operations have the id a/);
    assert.equal(asked.length, 1);
  }));

test("one that came too early is sent again", async () => {
  for (const answer of [says(503, {}, { "Retry-After": "0" }), says(429, {}, { "Retry-After": "0" }),
    says(409, { type: "urn:sheaf:problem:key-in-use" }, { "Retry-After": "0" })])
    await asking([answer, results(201)], async (bulk, asked) => {
      await bulk.send(OPS);
      assert.equal(asked[1].key, asked[0].key);
    });
});

test("one that always comes too early was not begun", () =>
  asking([says(503, {}, { "Retry-After": "0" })], async (bulk) => {
    await assert.rejects(bulk.send(OPS), RefusedError);
  }));

test("one of which an attempt was lost may have been, whatever is said later", () =>
  asking([cuts["a gateway gave up"], says(503, {}, { "Retry-After": "0" })], async (bulk) => {
    await assert.rejects(bulk.send(OPS), UnknownOutcomeError);
  }));

test("an abort ends it at once", () =>
  asking([() => {}], async (bulk) => {
    const e = await bulk.send(OPS, { signal: AbortSignal.timeout(50) }).catch((e) => e);
    assert.equal(e.name, "TimeoutError");
  }));

test("ids that cannot be told apart are refused before anything is sent", () =>
  asking([results(201)], async (bulk, asked) => {
    await assert.rejects(bulk.send([{ id: "a", op: "read", url: "/a" }, { id: "a", op: "read", url: "/b" }]), RefusedError);
    await assert.rejects(bulk.send([]), RefusedError);
    assert.equal(asked.length, 0);
  }));

test("results of a stream are told as they come", () =>
  asking([(body, response) => {
    response.writeHead(207, { "Content-Type": "application/x-ndjson" });
    response.write('{"type":"start","batchId":"b_2"}\n{"type":"result","index":1,"status":2');
    setTimeout(() => response.end('01}\n{"type":"progress","done":1}\n{"type":"result","index":0,"status":201}\n' +
      '{"type":"result","index":2,"status":200}\n{"type":"summary"}\n'), 20);
  }], async (bulk, asked) => {
    const seen = [];
    const answer = await bulk.send(OPS, { onResult: (r) => seen.push(r.id) });
    assert.deepEqual(seen, ["b", "a", "c"]);
    assert.deepEqual(answer.results.map((r) => r.id), ["a", "b", "c"]);
    assert.equal(answer.batchId, "b_2");
    assert.equal(asked[0].headers.accept, "application/x-ndjson");
    assert.equal(asked[0].headers["content-type"], "application/x-ndjson");
  }));

/* What is handed over. */

const STATES = "/.sheaf/batches/b_3";

function accepted(body, response) {
  response.writeHead(202, { Location: STATES, "Retry-After": "0" });
  response.end("{}");
}

function state(name, headers = {}) {
  return (body, response) => {
    response.writeHead(200, { "Content-Type": "application/json", "Retry-After": "0", ...headers });
    response.end(JSON.stringify({ batchId: "b_3", state: name, summary: { total: 3 } }));
  };
}

function told(...each) {
  return (body, response) => {
    const rows = each.map((status, index) => ({ type: "result", id: OPS[index].id, index, status }));
    response.writeHead(207, { "Content-Type": "application/x-ndjson" });
    response.end([...rows, { type: "summary" }].map((row) => JSON.stringify(row) + "\n").join(""));
  };
}

test("a batch that is handed over is asked for until it is done", () =>
  asking([accepted, state("queued"), state("running", { "Retry-After": "1" }), cuts["a gateway gave up"],
    state("succeeded"), told(201, 201, 200)], async (bulk, asked) => {
    const job = await bulk.submit(OPS, { key: "k" });
    assert.ok(job.url.endsWith(STATES));
    assert.equal(asked[0].headers.prefer, "respond-async");
    assert.equal(asked[0].key, '"k"');
    const states = [], began = Date.now();
    const answer = await job.wait({ onState: (s) => states.push(s.state) });
    assert.ok(Date.now() - began >= 990, "it waits as long as the server says");
    assert.deepEqual(states, ["queued", "running", "succeeded"]);
    assert.equal(answer.summary.success, 3);
    assert.equal(asked.at(-1).url, `${STATES}/results`);
    assert.equal(asked.filter((a) => a.method === "POST").length, 1);
  }));

test("what failed of it is carried by the error, with its operations", () =>
  asking([accepted, state("cancelled"), told(201, 503, 503)], async (bulk) => {
    const job = await bulk.submit(OPS);
    const e = await job.wait().catch((e) => e);
    assert.ok(e instanceof PartialSuccessError, String(e));
    assert.deepEqual(e.failed.map((f) => f.operation.url), ["/b", "/c"]);
  }));

test("results that are not whole are no success", () =>
  asking([accepted, state("succeeded"), told(201, 201)], async (bulk) => {
    const e = await (await bulk.submit(OPS)).wait().catch((e) => e);
    assert.ok(e instanceof UnknownOutcomeError, String(e));
    assert.deepEqual(e.unknown.map((op) => op.id), ["c"]);
  }));

test("one that cannot be asked for is unknown, and can be asked for later", () =>
  asking([accepted, says(404, {}), state("succeeded"), told(201, 201, 200)], async (bulk) => {
    const job = await bulk.submit(OPS);
    const e = await job.wait().catch((e) => e);
    assert.ok(e instanceof UnknownOutcomeError, String(e));
    assert.equal(e.url, job.url);
    assert.equal((await bulk.job(job.url).wait()).summary.success, 3);
  }));

test("one of which nothing is heard is handed over again, under its key", () =>
  asking([cuts["a gateway gave up"], accepted], async (bulk, asked) => {
    await bulk.submit(OPS);
    assert.equal(asked[1].key, asked[0].key);
  }));

test("one that was not taken is refused, or unknown", async () => {
  await asking([says(400, {})], (bulk) => assert.rejects(bulk.submit(OPS), RefusedError));
  await asking([cuts["a gateway gave up"]], (bulk) => assert.rejects(bulk.submit(OPS), UnknownOutcomeError));
});

test("a server that does it at once has done it", () =>
  asking([results(201, 409, 200)], async (bulk) => {
    const job = await bulk.submit(OPS);
    assert.equal(job.url, undefined);
    const e = await job.wait().catch((e) => e);
    assert.deepEqual(e.failed.map((f) => f.id), ["b"]);
  }));
