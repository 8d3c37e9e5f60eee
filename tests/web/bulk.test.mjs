// SPDX-License-Identifier: MIT
/** The module and a real server. */
import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { PartialSuccessError, RefusedError, SheafBulk } from "../../web/sheaf-bulk.js";
import { serve } from "./sheaf.mjs";

let server, bulk;

before(async () => {
  server = await serve();
  bulk = new SheafBulk(`${server.url}/.sheaf/bulk`);
});

after(() => server.stop());

const read = (name) => readFile(join(server.dir, name), "utf8");

const IMPORT = [
  { id: "dir", op: "mkcol", url: "/x/" },
  { id: "one", op: "create", url: "/x/1.json", dependsOn: ["dir"], body: { n: 1 } },
  { id: "two", op: "create", url: "$dir/2.txt", dependsOn: ["dir"], body: "two",
    headers: { "content-type": "text/plain" } },
  { id: "get", op: "read", url: "/x/1.json", dependsOn: ["one"] },
  { id: "put", op: "update", url: "/x/1.json", ifMatch: "$get", dependsOn: ["get"], body: { n: 2 } },
];

test("a batch is carried out, in order", async () => {
  const answer = await bulk.send(IMPORT, { key: "import-1" });
  assert.equal(answer.summary.success, 5);
  assert.deepEqual(JSON.parse(await read("x/1.json")), { n: 2 });
  assert.equal(await read("x/2.txt"), "two");
  assert.deepEqual(answer.results[3].body, { n: 1 });
  assert.match(answer.batchId, /^b_/);
});

test("sent again with the same key, nothing is done twice", async () => {
  const answer = await bulk.send(IMPORT, { key: "import-1" });
  assert.equal(answer.summary.success, 5);
  assert.ok(answer.summary.replayed >= 4);
  assert.deepEqual(JSON.parse(await read("x/1.json")), { n: 2 });
});

test("what failed is told apart from what did not", async () => {
  const e = await bulk.send([
    { id: "new", op: "create", url: "/new.json", body: 1 },
    { id: "old", op: "create", url: "/x/1.json", body: 2 },
    { id: "gone", op: "delete", url: "/none" },
  ]).catch((e) => e);
  assert.ok(e instanceof PartialSuccessError, String(e));
  assert.deepEqual(e.failed.map((f) => [f.id, f.status]), [["old", 409], ["gone", 404]]);
  assert.deepEqual(e.succeeded.map((s) => s.id), ["new"]);
  assert.ok(e.failed.every((f) => f.error && f.operation));
});

test("more operations than a document takes are told one by one", async () => {
  const { limits } = await bulk.capabilities();
  const n = 2 * limits.operations + 1;
  const seen = new Set();
  const answer = await bulk.send(
    Array.from({ length: n }, (_, i) => i ? { op: "read", url: "$0" } : { op: "upsert", url: "/s.json", body: 1 }),
    { onResult: (r) => seen.add(r.index) });
  assert.equal(answer.summary.success, n);
  assert.equal(seen.size, n);
  const whole = await bulk.send(Array.from({ length: n }, () => ({ op: "read", url: "/s.json" })),
    { mode: "atomic" }).catch((e) => e);
  assert.ok(whole instanceof RefusedError, String(whole));
  assert.equal(whole.status, 413);
});

test("a batch is handed over, waited for and cancelled", async () => {
  const job = await bulk.submit([
    { id: "late", op: "create", url: "/late.json", body: 1 },
    { id: "none", op: "delete", url: "/none" },
  ]);
  const e = await job.wait().catch((e) => e);
  assert.ok(e instanceof PartialSuccessError, String(e));
  assert.deepEqual(e.failed.map((f) => [f.id, f.status, f.operation.url]), [["none", 404, "/none"]]);
  assert.equal(await read("late.json"), "1");
  // By somebody else, who has its URL alone.
  const again = await bulk.job(job.url).results().catch((e) => e);
  assert.deepEqual(again.failed.map((f) => [f.id, f.status]), [["none", 404]]);
  assert.equal((await job.state()).state, "partially_succeeded");
  await job.cancel(); // which it is too late for
  assert.equal((await job.state()).state, "partially_succeeded");
});

test("an atomic batch of which one fails changes nothing", async () => {
  const before = await readdir(server.dir);
  const e = await bulk.send([
    { id: "a", op: "create", url: "/atomic.json", body: 1 },
    { id: "b", op: "delete", url: "/none" },
  ], { mode: "atomic" }).catch((e) => e);
  assert.ok(e instanceof PartialSuccessError, String(e));
  assert.deepEqual(e.failed.map((f) => [f.id, f.status]), [["a", 424], ["b", 404]]);
  assert.deepEqual(await readdir(server.dir), before);
});

test("a dry run says what would be, and changes nothing", async () => {
  const before = await readdir(server.dir);
  const answer = await bulk.send([{ op: "create", url: "/dry.json", body: 1 }], { dryRun: true });
  assert.equal(answer.results[0].status, 201);
  assert.equal(answer.summary.dryRun, true);
  assert.deepEqual(await readdir(server.dir), before);
});

test("what is malformed fails by itself", async () => {
  const e = await bulk.send([
    { id: "a", op: "frobnicate", url: "/a" },
    { id: "b", op: "upsert", url: "/b.json", body: 1 },
  ]).catch((e) => e);
  assert.ok(e instanceof PartialSuccessError, String(e));
  assert.deepEqual(e.failed.map((f) => [f.id, f.status]), [["a", 400]]);
  assert.match(e.failed[0].error, /frobnicate/);
});

test("what is no batch is refused as a whole, with the reason", async () => {
  const e = await bulk.send([{ op: "read", url: "/" }], { mode: "Atomic" }).catch((e) => e);
  assert.ok(e instanceof RefusedError, String(e));
  assert.equal(e.status, 400);
  assert.match(e.message, /mode/);
});
