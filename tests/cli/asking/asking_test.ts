/** Tests requests of processes to the owner of a partition, over a real PostgreSQL. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { z } from "zod";
import { type AnswerAsk, createAnswerer } from "../../../src/cli/asking/answerer.ts";
import { AskError, createAsker, wholeAnswer } from "../../../src/cli/asking/asker.ts";
import { createAsking } from "../../../src/cli/asking/asking.ts";
import { callElsewhere } from "../../../src/cli/asking/forwarding.ts";
import { schedule } from "../../../src/lib/clock.ts";
import { type AskedPart, type AskRows, createAsks } from "../../../src/store/replica/asks.ts";
import { createRemote } from "../../../src/store/replica/remote.ts";
import { RemoteError } from "../../../src/store/replica/remote_error.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { HERE, openAskingFleet, THERE } from "../../support/store/asking_fleet.ts";
import { NEEDS_POSTGRES, type Postgres, startPostgres } from "../../support/store/postgres.ts";

const NEVER = new AbortController().signal;

const failsAs = (kind: AskError["kind"]) => (error: unknown) =>
  error instanceof AskError && error.kind === kind;

describe("[O16] an answer for another process", () => {
  it("has each part at once, whenever it comes", async () => {
    for (let turns = 0; turns < 20; turns++) {
      let text = "";
      const asks = [{ id: "a", partition: 1, question: "" }];
      const { promise, resolve } = Promise.withResolvers<string>();
      const answerer = createAnswerer({
        rows: {
          take: () => Promise.resolve(asks.splice(0)),
          write: (_id, part) => Promise.resolve(void (text += part.text)).then(() => true),
          giveBack: () => Promise.resolve(),
          waiting: () => Promise.resolve(new Set(["a"])),
        },
        async *answer() {
          yield "a";
          for (let turn = 0; turn < turns; turn++) await Promise.resolve();
          yield "b";
          await setImmediate(); // all that a promise can start has run
          resolve(text);
        },
        asked: () => [],
        schedule,
        elapsed: () => 0,
        log: recordingLog().log,
      });
      answerer.serve([1], [1]);
      assert.equal(await promise, "ab", `after ${turns} turns`);
      await answerer.end();
    }
  });

  it("fails if a row of it cannot be written", async () => {
    const parts: AskedPart[] = [];
    const asks = [{ id: "a", partition: 1, question: "" }];
    const { promise, resolve } = Promise.withResolvers<void>();
    const answerer = createAnswerer({
      rows: {
        take: () => Promise.resolve(asks.splice(0)),
        write(_id, part) {
          if (part.kind === "more") return Promise.reject(new Error("no answer"));
          parts.push(part);
          resolve();
          return Promise.resolve(true);
        },
        giveBack: () => Promise.resolve(),
        waiting: () => Promise.resolve(new Set(["a"])),
      },
      async *answer() {
        yield await Promise.resolve("all");
      },
      asked: () => [],
      schedule,
      elapsed: () => 0,
      log: recordingLog().log,
    });
    answerer.serve([1], [1]);
    await promise;
    assert.deepEqual(parts.map(({ kind }) => kind), ["failed"]);
    await answerer.end();
  });

  it("is none from a partition that stops, until another process has it", async () => {
    const taken: string[] = [];
    const asking = createAsking(
      {
        // deno-lint-ignore require-await -- it has no answer
        async use() {
          taken.push("asked");
          throw new RemoteError("unreachable", "no answer");
        },
        close: () => Promise.resolve(),
      },
      HERE,
      recordingLog().log,
    );
    asking.answerWith(async function* () {});
    asking.looked([1], { asked: [] }); // its check
    await setImmediate();
    taken.length = 0;
    asking.stopTaking(1);
    await asking.stopped(1);
    asking.looked([1], { asked: [1] }); // its store is not closed yet
    await setImmediate();
    assert.deepEqual(taken, []);
    asking.looked([], { asked: [1] });
    asking.looked([1], { asked: [1] }); // it came back
    await setImmediate();
    assert.deepEqual(taken, ["asked"]);
    await asking.close();
  });

  it("is unavailable to barnacle mcp serve without the database", async () => {
    const call = callElsewhere({
      isHere: () => false,
      isLeaving: () => false,
      // deno-lint-ignore require-yield -- it has no answer
      async *ask() {
        await Promise.resolve();
        throw new RemoteError("unreachable", "no answer");
      },
    });
    const { refused } = z.object({ refused: z.object({ kind: z.string() }) })
      .parse(await call?.([{}]));
    assert.equal(refused.kind, "unavailable");
  });
});

describe("[O16] requests between processes", NEEDS_POSTGRES, () => {
  let server: Postgres;
  before(async () => void (server = await startPostgres()));
  after(() => server.close());

  const openFleet = (answer: AnswerAsk) => openAskingFleet(server.create(), answer);

  it("keep a character whole that two rows would share", async () => {
    const text = `x${"😀".repeat(200_000)}`;
    await using fleet = await openFleet(async function* () {
      yield await Promise.resolve(text);
    });
    assert.ok(await wholeAnswer(fleet.ask("all")) === text);
  });

  it("are answered by the owner, and leave no row", async () => {
    await using fleet = await openFleet(async function* (partition, question) {
      yield `${partition} `;
      await Promise.resolve();
      yield question.repeat(100_000);
    });
    const [one, two] = await Promise.all(
      ["äß\u2028", '"\\'].map((text) => wholeAnswer(fleet.ask(text))),
    );
    assert.equal(one, `1 ${"äß\u2028".repeat(100_000)}`);
    assert.equal(two, `1 ${'"\\'.repeat(100_000)}`);
    assert.equal(await fleet.count(), 0);
  });

  it("stream: a part arrives before the next one is made", async () => {
    let go = Promise.withResolvers<void>();
    await using fleet = await openFleet(async function* () {
      for (const part of ["a", "b", "c"]) {
        yield part;
        await go.promise;
        go = Promise.withResolvers();
      }
    });
    const parts: string[] = [];
    for await (const part of fleet.ask("")) {
      parts.push(part);
      go.resolve();
    }
    assert.deepEqual(parts, ["a", "b", "c"]);
  });

  it("fail with the owner's words", async () => {
    await using fleet = await openFleet(async function* () {
      yield "some";
      await Promise.resolve();
      throw new Error("no such thing");
    });
    await assert.rejects(
      wholeAnswer(fleet.ask("")),
      (error) => failsAs("failed")(error) && /no such thing/.test(String(error)),
    );
    assert.equal(await fleet.count(), 0);
  });

  it("fail as not begun if the owner refuses them", async () => {
    // deno-lint-ignore require-yield -- it refuses
    await using fleet = await openFleet(async function* () {
      await Promise.resolve();
      throw new Error("not mine");
    });
    await assert.rejects(wholeAnswer(fleet.ask("")), failsAs("refused"));
  });

  it("end at the owner once nothing waits for the answer", async () => {
    const begun = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    await using fleet = await openFleet(async function* (_partition, _question, gone) {
      yield "a";
      begun.resolve();
      await new Promise<void>((resolve) => gone.addEventListener("abort", () => resolve()));
      ended.resolve();
    });
    const leaving = new AbortController();
    const asked = wholeAnswer(fleet.ask("", leaving.signal));
    await begun.promise;
    leaving.abort();
    await assert.rejects(asked, failsAs("aborted"));
    await ended.promise;
  });

  it("fail if the owner loses the partition, and the owner of it next takes new ones", async () => {
    const begun = Promise.withResolvers<void>();
    await using fleet = await openFleet(async function* (_partition, _question, gone) {
      yield "a";
      begun.resolve();
      await new Promise<void>((resolve) => gone.addEventListener("abort", () => resolve()));
    });
    const asked = wholeAnswer(fleet.ask(""));
    await begun.promise;
    await fleet.there.remote.release(fleet.lease);
    await assert.rejects(asked, failsAs("lost"));
  });

  it("fail as not begun if no process takes them in time", async () => {
    await using fleet = await openFleet(async function* () {});
    await fleet.there.remote.release(fleet.lease);
    let now = 0;
    const rows = createAsks(fleet.here.remote, HERE);
    const asker = createAsker({ rows, schedule, elapsed: () => now += 15_000 });
    await assert.rejects(wholeAnswer(asker.ask(1, "", NEVER)), failsAs("untaken"));
    assert.equal(await fleet.count(), 0);
  });

  it("that a process waits for no more are removed by its next check", async () => {
    await using fleet = await openFleet(async function* () {});
    await fleet.there.remote.release(fleet.lease);
    const rows = createAsks(fleet.here.remote, HERE);
    await rows.add({ id: "earlier", partition: 1, question: "" }); // before kill -9 and a restart
    const leaving = new AbortController();
    const open: string[] = [];
    const asker = createAsker({
      rows: {
        ...rows,
        async add(ask) {
          open.push(ask.id);
          await rows.add(ask);
          leaving.abort();
        },
        remove: () => Promise.reject(new Error("no answer")),
      },
      schedule,
      elapsed: () => 0,
    });
    assert.deepEqual(await rows.waiting(["earlier"], []), new Set());
    await assert.rejects(wholeAnswer(asker.ask(1, "", leaving.signal)), failsAs("aborted"));
    assert.deepEqual(await rows.waiting(open, open), new Set(open));
    assert.deepEqual(await rows.waiting(open, asker.open()), new Set());
    assert.equal(await fleet.count(), 0);
  });

  it("are unhurt by another one that fails, or ends meanwhile", async () => {
    await using fleet = await openFleet(async function* () {});
    await fleet.there.remote.release(fleet.lease);
    const rows = createAsks(fleet.here.remote, HERE);
    await rows.add({ id: "one", partition: 1, question: "" });
    const states = await Promise.allSettled([
      rows.add({ id: "one", partition: 1, question: "" }),
      fleet.here.remote.use(async (sql) => await sql`SELECT pg_sleep(${0.2})`),
      fleet.here.remote.use(async (sql) => await sql`SELECT pg_sleep(${0.2}), 1`),
    ]);
    assert.deepEqual(states.map(({ status }) => status), ["rejected", "fulfilled", "fulfilled"]);

    // The asking process removes the request, but its transaction has not ended.
    const { promise: hasWaited, resolve: go } = Promise.withResolvers<void>();
    const { promise: removed, resolve: onRemoved } = Promise.withResolvers<void>();
    const removing = fleet.here.remote.use((sql) =>
      sql.begin(async (sql) => {
        await sql`DELETE FROM barnacle.asks`;
        onRemoved();
        await hasWaited;
      })
    );
    await removed;
    const other = createAsks(fleet.there.remote, THERE);
    const writing = other.write("one", { number: 0, text: "", kind: "more" });
    writing.catch(() => {}); // the assertion gets it
    await using watching = Object.assign(createRemote(fleet.url), {
      [Symbol.asyncDispose]: () => watching.close(),
    });
    for (let waits = false; !waits;) {
      const [row] = await watching.use((sql) =>
        sql`SELECT count(*)::int AS count FROM pg_locks WHERE NOT granted`
      );
      waits = row?.["count"] !== 0;
    }
    go();
    await removing;
    assert.equal(await writing, false);
  });

  it("of a process that died are removed, and end at the owner", async () => {
    const ended = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    await using fleet = await openFleet(async function* (_partition, _question, gone) {
      begun.resolve();
      yield "";
      await new Promise<void>((resolve) => gone.addEventListener("abort", () => resolve()));
      ended.resolve();
    });
    const dead = "host:/dead";
    const rows: AskRows = createAsks(fleet.here.remote, dead);
    await fleet.here.remote.meet({ place: dead, copied: [] });
    await rows.add({ id: "dead", partition: 1, question: "" });
    await begun.promise;
    assert.deepEqual(await rows.waiting(["dead", "other"], ["dead"]), new Set(["dead"]));
    await fleet.here.remote.leave(dead);
    assert.deepEqual(await rows.waiting(["dead", "other"], ["dead"]), new Set());
    fleet.there.asking.hear("gone dead"); // or its next check
    await ended.promise;
    assert.equal(await fleet.count(), 0);
  });
});
