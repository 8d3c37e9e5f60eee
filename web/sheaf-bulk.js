// SPDX-License-Identifier: MIT
/**
 * Sends batches to Sheaf's bulk API (docs/bulk-api.md).  No dependencies; for
 * browsers and for Node 18 and later.
 *
 *     import { SheafBulk, PartialSuccessError } from "./sheaf-bulk.js";
 *
 *     const bulk = new SheafBulk("https://files.example.org/.sheaf/bulk");
 *     try {
 *       await bulk.send([
 *         { id: "dir", op: "mkcol", url: "/x/" },
 *         { op: "create", url: "/x/a.json", dependsOn: ["dir"], body: { n: 1 } },
 *       ]);
 *     } catch (e) {
 *       if (!(e instanceof PartialSuccessError)) throw e;
 *       for (const item of e.failed)
 *         console.error(item.id, item.status, item.error);
 *     }
 *
 * What is sent again is sent with the same item keys, so nothing is done twice.
 * What became of an operation is known only where the server has said it: an
 * answer that is cut short throws an UnknownOutcomeError, and is no success.
 */

/**
 * One operation as the API has it; see docs/bulk-api.md for every member.
 * @typedef {object} Operation
 * @property {string} [id] by default its index, as text
 * @property {"create"|"read"|"update"|"upsert"|"patch"|"delete"|"copy"|"move"|
 *   "mkcol"|"proppatch"|"propfind"} [op] or method, exactly one of them
 * @property {string} [method]
 * @property {string} url
 * @property {string} [destination]
 * @property {boolean} [overwrite]
 * @property {string} [ifMatch]
 * @property {string} [ifNoneMatch]
 * @property {string} [lockToken]
 * @property {string[]} [dependsOn]
 * @property {string} [atomicityGroup]
 * @property {string} [idempotencyKey] by default KEY/id, of the options' key
 * @property {Object<string, string>} [headers]
 * @property {*} [body]
 * @property {"base64"} [encoding]
 */

/**
 * What became of one operation.
 * @typedef {object} Result
 * @property {string} id
 * @property {number} index
 * @property {number} status 400 or more: it failed
 * @property {string} [href]
 * @property {string} [message] of a success
 * @property {string} [error] of a failure: a sentence
 * @property {object} [problem] of a failure: RFC 9457
 * @property {boolean} [retryable]
 * @property {number} [retryAfter] seconds
 * @property {string} [causedBy] of a 424: the id that failed
 * @property {boolean} [partial]
 * @property {boolean} [replayed]
 * @property {object[]} [members]
 * @property {Object<string, string>} [headers]
 * @property {*} [body]
 */

/**
 * @typedef {object} Summary
 * @property {number} total
 * @property {number} success
 * @property {number} failed
 * @property {number} [retryable]
 * @property {number} [replayed]
 * @property {number} [notAttempted]
 * @property {number} [retryAfter]
 * @property {boolean} [dryRun]
 */

/**
 * @typedef {object} Answer
 * @property {Summary} summary of all operations, over all attempts
 * @property {Result[]} results in the order of the operations
 * @property {string} [batchId] of the last attempt
 * @property {number} attempts
 */

/**
 * @typedef {object} Options
 * @property {"independent"|"validate-first"|"atomic"} [mode]
 * @property {boolean} [dryRun]
 * @property {number} [failOnErrors]
 * @property {object} [defaults] as in the API
 * @property {string} [key] what item keys are made of; by default random.  Keep
 *   it, and give it again, to go on with a batch after a crash of your own.
 * @property {boolean} [stream] read results as they come (NDJSON)
 * @property {(result: Result) => void} [onResult] with stream: each as it comes
 * @property {number} [retries] how often to send again; by default 4
 * @property {AbortSignal} [signal]
 */

/** Any failure of this module; `results` holds what is known. */
export class BulkError extends Error {
  /** @param {string} message @param {object} [more] */
  constructor(message, more = {}) {
    super(message, more.cause ? { cause: more.cause } : undefined);
    this.name = this.constructor.name;
    Object.assign(this, more);
  }
}

/**
 * The batch was carried out, and some operations failed, or all of them.
 * `failed`: their results, each with its `operation`; `succeeded`: the others;
 * `summary`, `results`, `attempts` as in an answer.
 */
export class PartialSuccessError extends BulkError {}

/**
 * The request as a whole was refused and nothing has been done.  `status`,
 * `problem` (where the server sent one).
 */
export class RefusedError extends BulkError {}

/**
 * It is not known what became of `unknown` (operations): the connection broke,
 * or the answer was cut short or is not one.  `results`: what is known.  They
 * may have been done.  Send them again with the same `key`, and what was done
 * is not done again.
 */
export class UnknownOutcomeError extends BulkError {}

const READS = new Set(["read", "propfind", "GET", "HEAD", "PROPFIND", "OPTIONS"]);

/** Statuses of the whole request that say that it was not begun, yet. */
const BUSY = new Set([408, 425, 429, 503]);

/** Those that say nothing of what has been done. */
const BROKEN = new Set([500, 502, 504]);

const IN_USE = "urn:sheaf:problem:key-in-use";

const PATIENCE = 30_000; // ms: the longest pause that is our own idea

function randomKey() {
  if (globalThis.crypto?.randomUUID) return globalThis.crypto.randomUUID();
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}

function sleep(ms, signal) {
  return new Promise((done, failed) => {
    const stop = () => {
      clearTimeout(timer);
      failed(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      done();
    }, ms);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}

/** Seconds or a date (RFC 9110 s10.2.3), in ms; NaN: it was not said. */
function retryAfter(response) {
  const said = response.headers.get("Retry-After");

  if (said === null) return NaN;
  if (/^[0-9]+$/.test(said)) return Number(said) * 1000;
  return Math.max(Date.parse(said) - Date.now(), 0);
}

/** The server's word where there is one, and else longer each time. */
function pause(said, attempt, backoff) {
  const ours = Math.min(backoff * 2 ** (attempt - 1), PATIENCE);

  return Number.isFinite(said) ? Math.max(said, 0) : ours * (0.5 + Math.random() / 2);
}

/** Lines of a body as they come; what follows the last line end is cut short. */
async function* lines(body) {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const reader = body.getReader();
  let rest = "";

  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      rest += decoder.decode(value, { stream: true });
      const all = rest.split("\n");
      rest = all.pop();
      yield* all.filter((line) => line.trim());
    }
    if (rest.trim()) throw new SyntaxError("the last line is cut short");
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** A result is one only if it says of what, and how it ended. */
function isResult(r, n) {
  return r !== null && typeof r === "object" && Number.isInteger(r.index) &&
    r.index >= 0 && r.index < n && Number.isInteger(r.status) &&
    r.status >= 200 && r.status <= 599 && r.status !== 207;
}

export class SheafBulk {
  #url;
  #fetch;
  #headers;
  #retries;
  #backoff;

  /**
   * @param {string|URL} url of the endpoint, as .../.sheaf/bulk
   * @param {{fetch?: typeof fetch, headers?: HeadersInit, retries?: number,
   *   backoff?: number}} [options]
   *   fetch: another one than the global; headers: for each request, such as
   *   Authorization; backoff: ms before the first retry, doubled for each other,
   *   where the server does not say when
   */
  constructor(url, { fetch, headers = {}, retries = 4, backoff = 250 } = {}) {
    this.#url = String(url);
    this.#fetch = fetch ?? ((...args) => globalThis.fetch(...args));
    this.#headers = headers;
    this.#retries = retries;
    this.#backoff = backoff;
  }

  /**
   * Has the operations carried out, and sends those again that may succeed
   * later, as the server says.
   *
   * @param {Operation[]} operations
   * @param {Options} [options]
   * @returns {Promise<Answer>} where every operation has succeeded
   * @throws {PartialSuccessError} some failed
   * @throws {RefusedError} the whole was refused; nothing was done
   * @throws {UnknownOutcomeError} of some it is not known
   */
  async send(operations, options = {}) {
    const batch = new Batch(operations, options);
    const retries = options.retries ?? this.#retries;

    for (;;) {
      const wait = await this.#attempt(batch, options);
      if (wait === null) break;
      if (batch.attempts > retries) break;
      await sleep(pause(wait, batch.attempts, this.#backoff), options.signal);
    }
    return batch.outcome();
  }

  /**
   * One request.  What to wait before the next, in ms (NaN: as we like); null:
   * there is nothing to be sent again.
   */
  async #attempt(batch, options) {
    let response;

    batch.begin();
    try {
      response = await this.#fetch(this.#url, {
        method: "POST",
        headers: this.#requestHeaders(batch, options),
        body: JSON.stringify(batch.document()),
        signal: options.signal,
      });
    } catch (e) {
      options.signal?.throwIfAborted();
      return batch.lost(e);
    }
    const type = response.headers.get("Content-Type") ?? "";
    try {
      if (/^application\/x-ndjson\b/i.test(type)) {
        for await (const line of lines(response.body))
          batch.take(JSON.parse(line), options.onResult);
      } else {
        batch.takeWhole(await response.json(), response, options.onResult);
      }
    } catch (e) {
      options.signal?.throwIfAborted();
      if (e instanceof BulkError) throw e;
      if (response.ok || response.status === 422) return batch.lost(e);
      batch.takeWhole(null, response);
    }
    return batch.end(response);
  }

  #requestHeaders(batch, options) {
    const headers = new Headers(this.#headers);

    headers.set("Content-Type", "application/json");
    headers.set("Accept", options.stream ? "application/x-ndjson" : "application/json");
    headers.set("Idempotency-Key", `"${batch.key}"`);
    return headers;
  }
}

/** A batch, over all of its attempts. */
class Batch {
  attempts = 0;
  batchId = undefined;

  constructor(operations, { mode, dryRun, failOnErrors, defaults, key }) {
    this.base = key ?? randomKey();
    this.key = this.base;
    this.head = { mode, dryRun, failOnErrors, defaults };
    this.operations = operations.map((op, i) => {
      const id = op.id ?? String(i);
      const reads = READS.has(op.op ?? op.method);
      return { ...(reads ? {} : { idempotencyKey: `${this.base}/${id}` }), ...op, id };
    });
    this.indexOf = new Map(this.operations.map((op, i) => [op.id, i]));
    this.results = new Array(operations.length).fill(null);
    this.sent = this.operations.map((_, i) => i);
    this.why = null; // it is not known what became of some
    if (!operations.length) throw new RefusedError("a batch has at least one operation");
    if (this.indexOf.size !== operations.length) throw new RefusedError("two operations have one id");
  }

  /** The request's document: what is sent this time. */
  document() {
    const operations = this.sent.map((i) => this.operations[i]);
    const head = Object.fromEntries(
      Object.entries(this.head).filter(([, value]) => value !== undefined));

    return { ...head, operations };
  }

  begin() {
    this.attempts++;
    this.whole = false;
    this.refusal = null;
    this.seen = new Set();
  }

  /** A line of a stream. */
  take(line, onResult) {
    if (line.type === "result") this.#put(line, onResult);
    else if (line.type === "start") this.batchId = line.batchId ?? this.batchId;
    else if (line.type === "summary") this.whole = !line.problem;
  }

  /** The body of an answer that is one document. */
  takeWhole(body, response, onResult) {
    if (body !== null && typeof body === "object" && Array.isArray(body.results)) {
      this.batchId = body.batchId ?? this.batchId;
      for (const r of body.results) this.#put(r, onResult);
      this.whole = true;
      return;
    }
    if (response.ok) throw new SyntaxError("this is no answer to a batch");
    this.refusal = { status: response.status, problem: body ?? undefined };
  }

  #put(r, onResult) {
    if (!isResult(r, this.sent.length) || this.seen.has(r.index))
      throw new SyntaxError("a result is malformed, or there twice");
    this.seen.add(r.index);
    const index = this.sent[r.index];
    const { type, ...rest } = r;
    const result = { ...rest, id: this.operations[index].id, index };
    if (r.replayed && this.results[index]?.status < 400) return; // our own success
    this.results[index] = result;
    if (onResult) onResult(result);
  }

  /** The answer is over: as #attempt(). */
  end(response) {
    if (this.refusal) return this.#refused(response);
    if (!this.whole || this.seen.size !== this.sent.length)
      return this.lost(new Error("the answer was cut short"));
    return this.#chooseAgain();
  }

  /** Of those that were sent and have no result it is not known; success is final. */
  lost(cause) {
    this.why = cause;
    this.refusal = null;
    for (const [at, index] of this.sent.entries())
      if (!this.seen.has(at) && !(this.results[index]?.status < 400)) this.results[index] = null;
    return NaN;
  }

  #refused(response) {
    const { status, problem } = this.refusal;

    if (BROKEN.has(status)) return this.lost(new Error(`the server said ${status}`));
    const inUse = status === 409 && (problem?.type === IN_USE || response.headers.has("Retry-After"));

    if (inUse || BUSY.has(status)) {
      return retryAfter(response);
    }
    return null;
  }

  /** Those that may succeed now, with all that they need. */
  #chooseAgain() {
    const again = new Set();
    let wait = NaN;

    for (const r of this.results)
      if (r.status >= 400 && r.status !== 424 && r.retryable) {
        again.add(r.index);
        if (Number.isFinite(r.retryAfter)) wait = Math.max(wait || 0, r.retryAfter * 1000);
      }
    for (let before = -1; before !== again.size;) {
      before = again.size;
      for (const r of this.results)
        if (r.status === 424 && this.#waitsFor(r, again)) again.add(r.index);
    }
    if (!again.size) return null;
    // All or none: what was undone with it is sent again, too.
    if (this.head.mode === "atomic" || this.head.mode === "validate-first") {
      if (this.results.some((r) => r.status >= 400 && !again.has(r.index))) return null;
      this.sent = this.operations.map((_, i) => i);
    } else {
      this.sent = [...this.#withNeeds(again)].sort((a, b) => a - b);
    }
    this.key = `${this.base}#${this.attempts}`;
    return wait;
  }

  #waitsFor(r, again) {
    return r.causedBy !== undefined && again.has(this.indexOf.get(r.causedBy));
  }

  /**
   * What they depend on was done: it is answered from the record, not done
   * again, and its ETag and href are there to be referred to.
   */
  #withNeeds(again) {
    const all = new Set(again);

    for (const index of all) {
      const op = this.operations[index];
      const needs = [...(op.dependsOn ?? [])];
      for (const text of [op.ifMatch, op.url, op.destination])
        if (typeof text === "string" && text.startsWith("$")) needs.push(text.slice(1).split("/")[0]);
      for (const [i, other] of this.operations.entries())
        if (needs.includes(other.id) || (other.atomicityGroup !== undefined &&
            (other.atomicityGroup === op.atomicityGroup || needs.includes(other.atomicityGroup))))
          all.add(i);
    }
    return all;
  }

  #summary() {
    const count = (test) => this.results.filter((r) => r && test(r)).length;

    return {
      total: this.results.length,
      success: count((r) => r.status < 400),
      failed: count((r) => r.status >= 400),
      retryable: count((r) => r.status >= 400 && r.retryable),
      replayed: count((r) => r.replayed),
      dryRun: Boolean(this.head.dryRun),
    };
  }

  outcome() {
    const known = this.results.filter((r) => r !== null);
    const more = {
      summary: this.#summary(), results: known, batchId: this.batchId,
      attempts: this.attempts, key: this.base,
    };
    const failed = known.filter((r) => r.status >= 400)
      .map((r) => ({ ...r, operation: this.operations[r.index] }));
    const unknown = this.operations.filter((_, i) => this.results[i] === null);

    if (this.refusal && !known.length && !this.why)
      throw new RefusedError(refusalText(this.refusal), { ...more, ...this.refusal, key: this.base });
    if (unknown.length)
      throw new UnknownOutcomeError(
        `it is not known what became of ${unknown.length} of ${more.summary.total} operations: ` +
        "send them again with the same key", { ...more, unknown, failed, cause: this.why });
    if (failed.length)
      throw new PartialSuccessError(
        `${failed.length} of ${more.summary.total} operations failed, first ` +
        `${failed[0].id}: ${failed[0].error ?? failed[0].status}`,
        { ...more, failed, succeeded: known.filter((r) => r.status < 400) });
    return more;
  }
}

function refusalText({ status, problem }) {
  const said = problem?.detail ?? problem?.title;

  return `the batch was refused with ${status}${said ? `: ${said}` : ""}`;
}
