import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { describe, it } from "node:test";
import { Worker } from "node:worker_threads";
import { createExtractor, GROWTH_BYTES } from "../../src/extract/extractor.ts";
import { schedule } from "../../src/lib/clock.ts";
import { docx, pdf } from "../support/files/samples.ts";

const WORKER = new URL("../../src/extract_worker.ts", import.meta.url);
const NEVER = new AbortController().signal;

interface FakeThread extends EventEmitter {
  start(): FakeThread;
  postMessage(): void;
  terminate(): Promise<number>;
  hasEnded(): boolean;
}

/** A thread that does what the test says. */
function fakeThread(onJob: (thread: EventEmitter) => void): FakeThread {
  const thread = new EventEmitter();
  let isEnded = false;
  const fake: FakeThread = Object.assign(thread, {
    /** As the extractor starts it. */
    start() {
      queueMicrotask(() => thread.emit("message", { kind: "ready" }));
      return fake;
    },
    postMessage() {
      thread.emit("message", { kind: "begun" });
      onJob(thread);
    },
    terminate: () => Promise.resolve(isEnded = true).then(() => 0),
    hasEnded: () => isEnded,
  });
  return fake;
}

/** Timers that the test fires, by their milliseconds. */
function handTimers() {
  const timers = new Set<{ readonly run: () => void; readonly ms: number }>();
  return {
    schedule(run: () => void, ms: number) {
      const timer = { run, ms };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    fire(ms: number) {
      for (const timer of timers) {
        if (timer.ms !== ms) continue;
        timers.delete(timer);
        timer.run();
      }
    },
    get count() {
      return timers.size;
    },
  };
}

describe("[H8] createExtractor()", () => {
  it("reads files in a real thread, one after the other", async () => {
    const extractor = createExtractor({
      startThread: () => new Worker(WORKER),
      collectGarbage() {},
      rss: () => 0, // other tests of this process grow meanwhile
      schedule,
    });
    const [one, other] = await Promise.all([
      extractor.run({ kind: "pdf", bytes: pdf(["words of a page"]) }, NEVER),
      extractor.run({ kind: "office", bytes: docx(["words of a document"]) }, NEVER),
    ]);
    assert.equal(one.text, "words of a page");
    assert.equal(other.text, "words of a document");
    const why = /archive, which is not unpacked|damaged/;
    const broken = new Uint8Array([0x50, 0x4b, 3, 4]);
    await assert.rejects(extractor.run({ kind: "office", bytes: broken }, NEVER), why);
  });

  it("ends a thread that takes too long", async () => {
    const timers = handTimers();
    const thread = fakeThread(() => timers.fire(5_000));
    const extractor = createExtractor({
      startThread: thread.start,
      collectGarbage() {},
      rss: () => 0,
      schedule: timers.schedule,
    });
    await assert.rejects(extractor.run({ kind: "pdf", bytes: pdf([]) }, NEVER), {
      name: "FileError",
      message: "reading it takes over 5 s",
    });
    assert.ok(thread.hasEnded());
    assert.equal(timers.count, 0);
  });

  it("counts no time for the load of a job's code, which may take long on a busy machine", async () => {
    const timers = handTimers();
    const thread = new EventEmitter();
    const extractor = createExtractor({
      startThread: () =>
        Object.assign(thread, {
          postMessage() {
            timers.fire(5_000); // no such timer runs yet
            thread.emit("message", { kind: "begun" });
            thread.emit("message", { kind: "done", result: { text: "fine" } });
          },
          terminate: () => Promise.resolve(0),
        }),
      collectGarbage() {},
      rss: () => 0,
      schedule: timers.schedule,
    });
    queueMicrotask(() => queueMicrotask(() => thread.emit("message", { kind: "ready" })));
    assert.deepEqual(await extractor.run({ kind: "pdf", bytes: pdf([]) }, NEVER), { text: "fine" });
  });

  it("never waits for a thread that loads for ever", async () => {
    const timers = handTimers();
    const thread = Object.assign(new EventEmitter(), {
      postMessage() {},
      terminate: () => Promise.resolve(0),
    });
    const extractor = createExtractor({
      startThread: () => thread,
      collectGarbage() {},
      rss: () => 0,
      schedule: timers.schedule,
    });
    const run = extractor.run({ kind: "pdf", bytes: pdf([]) }, NEVER);
    queueMicrotask(() => queueMicrotask(() => timers.fire(30_000)));
    await assert.rejects(run, { message: "no thread could be started" });
  });

  it("[SEC-R25] ends a thread while which the process grows too much", async () => {
    const timers = handTimers();
    let rss = 100;
    const thread = fakeThread(() => {
      rss += GROWTH_BYTES + 1;
      timers.fire(5);
    });
    const extractor = createExtractor({
      startThread: thread.start,
      collectGarbage() {},
      rss: () => rss,
      schedule: timers.schedule,
    });
    await assert.rejects(extractor.run({ kind: "pdf", bytes: pdf([]) }, NEVER), {
      message: "reading it takes too much memory",
    });
    assert.ok(thread.hasEnded());
  });

  it("goes on after a thread that died", async () => {
    const threads = [
      fakeThread((thread) => thread.emit("error", new Error("out of memory"))),
      fakeThread((thread) => thread.emit("message", { kind: "done", result: { text: "fine" } })),
    ];
    const extractor = createExtractor({
      startThread: () => threads.shift()?.start() ?? assert.fail("no more threads"),
      collectGarbage() {},
      rss: () => 0,
      schedule,
    });
    const first = extractor.run({ kind: "pdf", bytes: pdf([]) }, NEVER);
    const second = extractor.run({ kind: "pdf", bytes: pdf([]) }, NEVER);
    await assert.rejects(first, { name: "FileError" });
    assert.deepEqual(await second, { text: "fine" });
  });

  it("ends a job whose turn is over", async () => {
    const ending = new AbortController();
    const thread = fakeThread(() => ending.abort(new Error("stopped")));
    const extractor = createExtractor({
      startThread: thread.start,
      collectGarbage() {},
      rss: () => 0,
      schedule,
    });
    await assert.rejects(extractor.run({ kind: "pdf", bytes: pdf([]) }, ending.signal), /stopped/);
    assert.ok(thread.hasEnded());
  });
});
