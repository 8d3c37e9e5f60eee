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
 *
 * Operations travel as lines (NDJSON), results come back as lines: a batch may
 * be as long as a stream may be (`capabilities().limits.streamOperations`), and
 * one malformed operation fails by itself.  Only a batch that is atomic or
 * validated first has to fit a document (`limits.operations`).
 *
 * What takes long can be handed over, and asked for later:
 *
 *     const job = await bulk.submit(operations);
 *     console.log(job.url);                     // bulk.job(url) goes on with it
 *     await job.wait({ onState: (s) => console.log(s.summary) });
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
 * @property {"0"|"1"|"infinity"} [depth]
 * @property {string} [ifMatch]
 * @property {string} [ifNoneMatch]
 * @property {string} [lockToken]
 * @property {string[]} [dependsOn]
 * @property {string} [atomicityGroup]
 * @property {string} [idempotencyKey] by default KEY/id, of the options' key
 * @property {Object<string, string>} [headers]
 * @property {*} [body]
 * @property {"base64"|"text"} [encoding]
 * @property {Object<string, *>|string[]} [props] of a proppatch; of a propfind
 * @property {string[]} [remove] of a proppatch
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
 * @property {"base64"|"text"} [encoding] of the body
 * @property {boolean} [bodyOmitted]
 * @property {boolean} [notAttempted]
 * @property {Object<string, *>} [props]
 * @property {Object<string, number>} [propErrors]
 */

/**
 * @typedef {object} Summary
 * @property {number} total
 * @property {number} success
 * @property {number} failed
 * @property {number} [retryable]
 * @property {number} [replayed]
 * @property {number} [notAttempted]
 * @property {number} [pending]
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
 * @property {(result: Result) => void} [onResult] each as it comes, in the order
 *   of completion; once more where it was sent again
 * @property {number} [retries] how often to send again; by default 4
 * @property {AbortSignal} [signal]
 */

/**
 * Where a batch is that was handed over.
 * @typedef {object} State
 * @property {string} batchId
 * @property {"queued"|"running"|"succeeded"|"partially_succeeded"|"failed"|
 *   "cancelled"} state
 * @property {Summary} summary with `pending`, how many are still to come
 */

/**
 * A result that failed, and the operation it is of, ready to be sent again: it
 * has its key.
 * @typedef {Result & {operation?: Operation}} Failure
 */

/** Any failure of this module. */
export class BulkError extends Error {
  /** @type {Failure[]} */
  failed = [];
  /** @type {Result[]} */
  succeeded = [];
  /** @type {Operation[]} those of which it is not known what became */
  unknown = [];
  /** @type {Result[]} all that is known, in the order of the operations */
  results = [];
  /** @type {Summary|undefined} over all attempts */
  summary;
  /** @type {number} requests that were sent */
  attempts = 0;
  /** @type {string|undefined} of the batch, to go on with */
  key;
  /** @type {number|undefined} of the whole, where it was refused */
  status;
  /** @type {any} RFC 9457, of the same, where the server sent one */
  problem;
  /** @type {string|undefined} of a batch that was handed over */
  url;

  /** @param {string} message @param {Partial<BulkError>} [more] */
  constructor(message, { cause, ...more } = {}) {
    super(message, cause ? { cause } : undefined);
    this.name = this.constructor.name;
    Object.assign(this, more);
  }
}

/** The batch was carried out, and some operations `failed`, or all of them. */
export class PartialSuccessError extends BulkError {}

/** The request as a whole was refused and nothing has been done. */
export class RefusedError extends BulkError {}

/**
 * It is not known what became of `unknown`: the connection broke, or the answer
 * was cut short or is not one.  They may have been done.  Send the batch again
 * with the same `key`, and what was done is not done again.
 */
export class UnknownOutcomeError extends BulkError {}

const READS = new Set(["read", "propfind", "GET", "HEAD", "PROPFIND", "OPTIONS"]);

/** Statuses of the whole request that say that it was not begun, yet. */
const BUSY = new Set([408, 425, 429, 503]);

/** Those that say nothing of what has been done. */
const BROKEN = new Set([500, 502, 504]);

/** Beyond these nothing changes any more. */
const FINAL = new Set(["succeeded", "partially_succeeded", "failed", "cancelled"]);

const IN_USE = "urn:sheaf:problem:key-in-use";

const PATIENCE = 30_000; // ms: the longest pause that is our own idea

/** Node 18 has it as a module only, and browsers without TLS no randomUUID(). */
const crypto = globalThis.crypto ?? (await import("node:crypto")).webcrypto;

function randomKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}

function sleep(ms, signal) {
  return new Promise((/** @type {(v?: any) => void} */ done, failed) => {
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
   * @param {{fetch?: typeof globalThis.fetch, headers?: HeadersInit, retries?: number,
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
    return (await this.#run(operations, options, {})).outcome();
  }

  /**
   * Hands the operations over: the server carries them out when it likes, also
   * after a restart of its own (Prefer: respond-async).
   *
   * @param {Operation[]} operations
   * @param {Options} [options]
   * @returns {Promise<BulkJob>} once the server has them
   * @throws {RefusedError} the whole was refused; nothing will be done
   * @throws {UnknownOutcomeError} it is not known whether it has them
   */
  async submit(operations, options = {}) {
    const batch = await this.#run(operations, options, { Prefer: "respond-async" });

    if (!batch.job) batch.checkTaken();
    return new BulkJob(batch.job, this.#request, batch);
  }

  /**
   * A batch that was handed over before.
   * @param {string|URL} url its own, as `job.url` has it
   * @param {Operation[]} [operations] what it was made of, for errors to carry
   */
  job(url, operations) {
    return new BulkJob(new URL(url, this.#url).href, this.#request,
      operations && new Batch(operations, {}));
  }

  /** What the server can do, and its limits: see docs/bulk-api.md. */
  async capabilities(/** @type {{signal?: AbortSignal}} */ { signal } = {}) {
    const response = await this.#request(new URL("capabilities", this.#url), { signal });

    if (!response.ok) throw await refusal(response);
    return response.json();
  }

  async #run(operations, options, headers) {
    const batch = new Batch(operations, options);
    const retries = options.retries ?? this.#retries;

    for (;;) {
      const wait = await this.#attempt(batch, options, headers);
      if (wait === null || batch.attempts > retries) return batch;
      await sleep(pause(wait, batch.attempts, this.#backoff), options.signal);
    }
  }

  /**
   * One request.  What to wait before the next, in ms (NaN: as we like); null:
   * there is nothing to be sent again.
   */
  async #attempt(batch, options, headers) {
    let response;

    batch.begin();
    try {
      response = await this.#request(this.#url, {
        method: "POST",
        headers: {
          ...headers,
          "Content-Type": "application/x-ndjson",
          Accept: "application/x-ndjson",
          "Idempotency-Key": `"${batch.key}"`,
        },
        body: batch.lines(),
        signal: options.signal,
      });
      const place = response.headers.get("Location");
      if (headers.Prefer && response.status === 202 && place) {
        batch.job = new URL(place, this.#url).href;
        await response.body?.cancel();
        return null;
      }
      await batch.read(response, options.onResult);
    } catch (e) {
      options.signal?.throwIfAborted();
      if (e instanceof BulkError) throw e;
      return batch.lost(e);
    }
    return batch.end(response);
  }

  /** @param {string|URL} url @param {RequestInit} [init] */
  #request = (url, { headers, ...init } = {}) => {
    const all = new Headers(this.#headers);

    for (const [name, value] of Object.entries(headers ?? {})) all.set(name, value);
    return this.#fetch(String(url), { ...init, headers: all });
  };
}

/** A batch that was handed over.  `url` is all that has to be kept of it. */
export class BulkJob {
  #request;
  #batch;

  /** Made by submit() and job(). */
  constructor(url, request, batch) {
    /** @type {string|undefined} undefined: it was carried out at once */
    this.url = url;
    this.#request = request;
    this.#batch = batch;
  }

  /** @returns {Promise<State & {retryAfter: number}>} ms to wait, or NaN */
  async state(/** @type {{signal?: AbortSignal}} */ { signal } = {}) {
    const response = await this.#request(this.url, { signal });

    if (!response.ok) throw await refusal(response);
    const state = await response.json();
    this.#batch ??= Batch.unnamed(state.summary.total);
    return { ...state, retryAfter: retryAfter(response) };
  }

  /**
   * Asks as often as the server wants, until all is done; then as results().
   * @param {{signal?: AbortSignal, onState?: (state: State) => void,
   *   onResult?: (result: Result) => void, retries?: number}} [options]
   *   retries: how often in a row it may fail to ask
   * @returns {Promise<Answer>}
   * @throws {UnknownOutcomeError} it could not be asked; ask again later
   */
  async wait({ retries = 4, onState, ...options } = {}) {
    for (let failures = 0; this.url;) {
      let wait = NaN;
      try {
        const state = await this.state(options);
        failures = 0;
        wait = state.retryAfter;
        onState?.(state);
        if (FINAL.has(state.state)) break;
      } catch (e) {
        options.signal?.throwIfAborted();
        const final = e.status && !BUSY.has(e.status) && !BROKEN.has(e.status);
        if (final || ++failures > retries) throw this.#unknown(e);
      }
      await sleep(pause(wait, failures + 1, 500), options.signal);
    }
    return this.results(options);
  }

  /**
   * What became of it.
   * @param {{signal?: AbortSignal, onResult?: (result: Result) => void}} [options]
   * @returns {Promise<Answer>} every operation has succeeded
   * @throws {PartialSuccessError} some failed, or it was cancelled before them
   * @throws {UnknownOutcomeError} some are not done yet, or the answer is cut short
   */
  async results({ signal, onResult } = {}) {
    if (!this.url) return this.#batch.outcome();
    if (!this.#batch) await this.state({ signal });
    const batch = this.#batch;
    const response = await this.#request(`${this.url}/results`,
      { headers: { Accept: "application/x-ndjson" }, signal });

    if (!response.ok) throw this.#unknown(await refusal(response));
    batch.reset();
    try {
      await batch.read(response, onResult);
      if (!batch.isWhole()) throw new Error("the results are not whole");
    } catch (e) {
      signal?.throwIfAborted();
      batch.lost(e);
    }
    return batch.outcome();
  }

  #unknown(cause) {
    return new UnknownOutcomeError(`it is not known what became of ${this.url}: ask again later`,
      { cause, url: this.url, unknown: this.#batch?.operations ?? [] });
  }

  /** What has not begun is not begun any more, and fails; see wait(). */
  async cancel(/** @type {{signal?: AbortSignal}} */ { signal } = {}) {
    const response = await this.#request(this.url, { method: "DELETE", signal });

    if (!response.ok) throw await refusal(response);
  }
}

/** A batch, over all of its attempts. */
class Batch {
  attempts = 0;
  /** @type {string|undefined} */
  batchId;
  /** @type {string|undefined} where it is, if it was handed over */
  job;
  named = true; // its operations are known

  /** @param {Operation[]} operations @param {Options} options */
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

  /** Of a batch that somebody else has handed over: only how many there are. */
  static unnamed(total) {
    const batch = new Batch(Array.from({ length: total }, () => ({ url: "" })), {});

    batch.named = false;
    return batch;
  }

  /** The request's body: what is sent this time. */
  lines() {
    const batch = Object.fromEntries(
      Object.entries(this.head).filter(([, value]) => value !== undefined));

    return [{ batch }, ...this.sent.map((i) => this.operations[i])]
      .map((line) => JSON.stringify(line) + "\n").join("");
  }

  begin() {
    this.attempts++;
    this.reset();
  }

  reset() {
    this.whole = false;
    this.refusal = null;
    this.seen = new Set();
  }

  /** Reads an answer, of whatever form.  Throws where it is none. */
  async read(response, onResult) {
    if (/^application\/x-ndjson\b/i.test(response.headers.get("Content-Type") ?? "")) {
      for await (const line of lines(response.body)) this.#take(JSON.parse(line), onResult);
      return;
    }
    const body = await response.json().catch((e) => {
      if (response.ok || response.status === 422) throw e;
      return null;
    });
    if (Array.isArray(body?.results)) {
      this.batchId = body.batchId ?? this.batchId;
      for (const r of body.results) this.#put(r, onResult);
      this.whole = true;
      return;
    }
    if (response.ok) throw new SyntaxError("this is no answer to a batch");
    this.refusal = { status: response.status, problem: body ?? undefined };
  }

  #take(line, onResult) {
    if (line.type === "result") this.#put(line, onResult);
    else if (line.type === "start") this.batchId = line.batchId ?? this.batchId;
    else if (line.type === "summary") this.whole = !line.problem;
  }

  #put(r, onResult) {
    if (!isResult(r, this.sent.length) || this.seen.has(r.index))
      throw new SyntaxError("a result is malformed, or there twice");
    this.seen.add(r.index);
    const index = this.sent[r.index];
    const { type, ...rest } = r;
    const result = { ...rest, id: this.named ? this.operations[index].id : r.id, index };
    if (r.replayed && this.results[index]?.status < 400) return; // our own success
    this.results[index] = result;
    if (onResult) onResult(result);
  }

  isWhole() {
    return this.whole && this.seen.size === this.sent.length;
  }

  /** Throws where submit() came to nothing. */
  checkTaken() {
    if (this.refusal || this.why) this.outcome();
  }

  /** The answer is over: as #attempt(). */
  end(response) {
    if (this.refusal) return this.#refused(response);
    if (!this.isWhole())
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
      .map((r) => (this.named ? { ...r, operation: this.operations[r.index] } : r));
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

function refusalText({ status, problem }, what = "the batch was refused") {
  const said = problem?.detail ?? problem?.title;

  return `${what} with ${status}${said ? `: ${said}` : ""}`;
}

/** Of a question that is no batch. */
async function refusal(response) {
  const more = { status: response.status, problem: await response.json().catch(() => undefined) };

  return new BulkError(refusalText(more, `${new URL(response.url).pathname} was answered`), more);
}
