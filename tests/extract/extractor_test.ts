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
    has: (ms: number) => [...timers].some((timer) => timer.ms === ms),
    fire(ms: number) {
      for (const timer of [...timers]) {
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

/** An extractor in a process that has time and memory, unless the test says otherwise. */
const extractorOf = (given: Partial<Parameters<typeof createExtractor>[0]>) =>
  createExtractor({
    startThread: () => new Worker(WORKER),
    collectGarbage() {},
    ownMemory: () => 0, // other tests of this process grow meanwhile
    cpuSec: () => 0,
    schedule,
    ...given,
  });

describe("[H8] createExtractor()", () => {
  it("reads files in a real thread, one after the other", async () => {
    const extractor = extractorOf({});
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

  for (
    const [name, cpuSecEach, seconds] of [
      ["five seconds of the processor", 1, 5],
      ["five seconds of the processor, of which it gets half", 0.5, 10],
      ["thirty seconds by the clock", 0.1, 30],
    ] as const
  ) {
    it(`ends a thread that takes ${name}`, async () => {
      const timers = handTimers();
      let passed = 0;
      const thread = fakeThread(() => {
        while (timers.has(1_000)) {
          passed += 1;
          timers.fire(1_000);
        }
      });
      const extractor = extractorOf({
        startThread: thread.start,
        cpuSec: () => 7 + Math.round(passed * cpuSecEach * 10) / 10,
        schedule: timers.schedule,
      });
      await assert.rejects(extractor.run({ kind: "pdf", bytes: pdf([]) }, NEVER), {
        name: "FileError",
        message: `reading it takes over ${seconds} s`,
      });
      assert.ok(thread.hasEnded());
      assert.equal(timers.count, 0);
    });
  }

  it("counts no time for the load of a job's code, which may take long on a busy machine", async () => {
    const timers = handTimers();
    const thread = new EventEmitter();
    const extractor = extractorOf({
      startThread: () =>
        Object.assign(thread, {
          postMessage() {
            assert.ok(!timers.has(1_000)); // no such timer runs yet
            thread.emit("message", { kind: "begun" });
            thread.emit("message", { kind: "done", result: { text: "fine" } });
          },
          terminate: () => Promise.resolve(0),
        }),
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
    const extractor = extractorOf({
      startThread: () => thread,
      schedule: timers.schedule,
    });
    const run = extractor.run({ kind: "pdf", bytes: pdf([]) }, NEVER);
    queueMicrotask(() => queueMicrotask(() => timers.fire(30_000)));
    await assert.rejects(run, { message: "no thread could be started" });
  });

  it("[SEC-R25] ends a thread while which the process grows too much", async () => {
    const timers = handTimers();
    let ownMemory = 100;
    const thread = fakeThread(() => {
      ownMemory += GROWTH_BYTES + 1;
      timers.fire(5);
    });
    const extractor = extractorOf({
      startThread: thread.start,
      ownMemory: () => ownMemory,
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
    const extractor = extractorOf({
      startThread: () => threads.shift()?.start() ?? assert.fail("no more threads"),
    });
    const first = extractor.run({ kind: "pdf", bytes: pdf([]) }, NEVER);
    const second = extractor.run({ kind: "pdf", bytes: pdf([]) }, NEVER);
    await assert.rejects(first, { name: "FileError" });
    assert.deepEqual(await second, { text: "fine" });
  });

  it("ends a job whose turn is over", async () => {
    const ending = new AbortController();
    const thread = fakeThread(() => ending.abort(new Error("stopped")));
    const extractor = extractorOf({
      startThread: thread.start,
    });
    await assert.rejects(extractor.run({ kind: "pdf", bytes: pdf([]) }, ending.signal), /stopped/);
    assert.ok(thread.hasEnded());
  });
});
