// SPDX-License-Identifier: MIT
/** A real server on a free port, and one that answers as a test says. */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** `sheaf serve` on an empty directory: { url, dir, stop() }. */
export async function serve(...args) {
  const dir = await mkdtemp(join(tmpdir(), "sheaf-web-"));
  const child = spawn(process.env.SHEAF,
    ["serve", dir, "--listen", "127.0.0.1:0", "--access-log", "", ...args],
    { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise((done) => child.on("exit", done));
  const url = await new Promise((done, failed) => {
    let said = "";
    const look = (line) => {
      said += line + "\n";
      const at = /http:\/\/[^\s]+/.exec(line);
      if (at) done(at[0].replace(/\/$/, ""));
    };
    createInterface({ input: child.stdout }).on("line", look);
    createInterface({ input: child.stderr }).on("line", look);
    ended.then((code) => failed(new Error(`sheaf serve ended with ${code}:\n${said}`)));
  });
  return {
    url,
    dir,
    async stop() {
      child.kill("SIGTERM");
      const code = await ended;
      await rm(dir, { recursive: true, force: true });
      if (code) throw new Error(`sheaf serve ended with ${code}`);
    },
  };
}

/** The batch in a body of lines. */
function batchOf(text) {
  const [head, ...operations] = text.split("\n").filter(Boolean).map((line) => JSON.parse(line));

  return { ...head?.batch, operations };
}

/**
 * A peer that answers each request with the next of `answers`, functions of
 * (body, response, request).  `asked`: what came, parsed, with its key.
 */
export async function scripted(...answers) {
  const asked = [];
  const server = createServer((request, response) => {
    const pieces = [];
    request.on("data", (piece) => pieces.push(piece));
    request.on("end", () => {
      const body = batchOf(Buffer.concat(pieces).toString());
      const { method, url, headers } = request;
      asked.push({ ...body, method, url, key: headers["idempotency-key"], headers });
      const answer = answers[Math.min(asked.length, answers.length) - 1];
      answer(body, response, request);
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${server.address().port}/.sheaf/bulk`,
    asked,
    stop() {
      server.closeAllConnections?.();
      return new Promise((done) => server.close(done));
    },
  };
}

/** An answer with a result for each of these statuses, or objects. */
export function results(...each) {
  return resultsWith(207, ...each);
}

export function resultsWith(status, ...each) {
  return (body, response) => {
    const all = body.operations.map((op, index) => {
      const one = each[Math.min(index, each.length - 1)];
      return { id: op.id, index, href: op.url, ...(typeof one === "number" ? { status: one } : one) };
    });
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ summary: {}, batchId: "b_1", results: all }));
  };
}
