/** Tests requests between processes while one of both stops, over a real PostgreSQL. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { z } from "zod";
import { type AnswerAsk, createAnswerer } from "../../../src/cli/asking/answerer.ts";
import { AskError, createAsker, wholeAnswer } from "../../../src/cli/asking/asker.ts";
import { callElsewhere, elsewhereOf } from "../../../src/cli/asking/forwarding.ts";
import { schedule } from "../../../src/lib/clock.ts";
import { type AskedPart, createAsks, type TakenAsk } from "../../../src/store/replica/asks.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { HERE, openAskingFleet, THERE } from "../../support/store/asking_fleet.ts";
import { NEEDS_POSTGRES, type Postgres, startPostgres } from "../../support/store/postgres.ts";

const NEVER = new AbortController().signal;

const failsAs = (kind: AskError["kind"]) => (error: unknown) =>
  error instanceof AskError && error.kind === kind;

describe("[O16] an answer for another process", () => {
  it("is whole if it has begun before the partition stops", async () => {
    for (const isEndless of [false, true]) {
      const parts: AskedPart[] = [];
      const asks = [{ id: "a", partition: 1, question: "" }];
      const begun = Promise.withResolvers<void>();
      const go = Promise.withResolvers<void>();
      const clock = new FakeClock();
      const answerer = createAnswerer({
        rows: {
          take: () => Promise.resolve(asks.splice(0)),
          giveBack: () => Promise.resolve(),
          write: (_id, part) => Promise.resolve(void parts.push(part)).then(() => true),
          waiting: () => Promise.resolve(new Set(["a"])),
        },
        async *answer(_partition, _question, gone) {
          yield "a";
          begun.resolve();
          if (isEndless) {
            await new Promise<void>((resolve) => gone.addEventListener("abort", () => resolve()));
          } else await go.promise;
          yield "b";
        },
        asked: () => [],
        schedule: clock.schedule,
        elapsed: () => 0,
        log: recordingLog().log,
      });
      answerer.serve([1], [1]);
      await begun.promise;
      answerer.stopTaking(1);
      const ended = answerer.end(1);
      await setImmediate();
      go.resolve();
      if (isEndless) clock.advance(2_000);
      await ended;
      const text = parts.map(({ text, kind }) => `${text} ${kind}`).join("; ");
      assert.equal(text, isEndless ? "a more" : "a more; b more;  last");
    }
  });

  it("is the next owner's if the partition stops while the request is being taken", async () => {
    const given: string[] = [];
    const begun: string[] = [];
    const taken = Promise.withResolvers<readonly TakenAsk[]>();
    const answerer = createAnswerer({
      rows: {
        take: () => taken.promise,
        giveBack: (ids) => Promise.resolve(void given.push(...ids)),
        write: () => Promise.resolve(true),
        waiting: () => Promise.resolve(new Set()),
      },
      // deno-lint-ignore require-yield -- it must not begin
      async *answer() {
        await Promise.resolve(begun.push("a"));
      },
      asked: () => [],
      schedule,
      elapsed: () => 0,
      log: recordingLog().log,
    });
    answerer.serve([1], [1]);
    answerer.stopTaking(1);
    taken.resolve([{ id: "a", partition: 1, question: "" }]);
    await answerer.end(1);
    assert.deepEqual([given, begun], [["a"], []]);
  });

  it("is none for a program of a process that stops", async () => {
    const fleet = {
      isHere: () => false,
      isLeaving: () => true,
      ask: () => assert.fail("it asks"),
    };
    const call = callElsewhere(fleet);
    const { refused } = z.object({ refused: z.object({ kind: z.string() }) })
      .parse(await call?.([{}]));
    assert.equal(refused.kind, "unavailable");
    const request = { program: "house", method: "POST", path: "/v1/responses", headers: {} };
    const response = await elsewhereOf(fleet, recordingLog().log)()?.(request, NEVER);
    assert.equal(response?.status, 503);
    assert.equal(response.headers.get("x-should-retry"), "true");
    assert.match(await response.text(), /"unavailable"/);
  });
});

describe("[O16] requests between processes", NEEDS_POSTGRES, () => {
  let server: Postgres;
  before(async () => void (server = await startPostgres()));
  after(() => server.close());

  const openFleet = (answer: AnswerAsk) => openAskingFleet(server.create(), answer);

  it("wait for an owner that has not taken them yet", async () => {
    await using fleet = await openFleet(async function* () {});
    let now = 0;
    const rows = createAsks(fleet.here.remote, HERE);
    const states: (string | undefined)[] = [];
    const asker = createAsker({
      rows: {
        ...rows,
        async read(id, after) {
          const state = await rows.read(id, after);
          states.push(state?.kind);
          // It has just begun to stop; after that long, its lease ends.
          if (states.length === 3) await fleet.there.remote.release(fleet.lease);
          return state;
        },
      },
      schedule,
      elapsed: () => now += 15_000,
    });
    fleet.there.asking.leave(0);
    await assert.rejects(wholeAnswer(asker.ask(1, "", NEVER)), failsAs("untaken"));
    assert.deepEqual(states, ["waiting", "waiting", "waiting", "ownerless", "ownerless"]);
  });

  it("that an owner gives back are the next one's", async () => {
    await using fleet = await openFleet(async function* () {});
    fleet.there.asking.leave(0);
    const rows = createAsks(fleet.here.remote, HERE);
    const owner = createAsks(fleet.there.remote, THERE);
    await rows.add({ id: "one", partition: 1, question: "" });
    assert.deepEqual((await owner.take([1], 9)).map(({ id }) => id), ["one"]);
    assert.equal((await rows.read("one", -1))?.kind, "taken");
    await owner.giveBack(["one"]);
    assert.equal((await rows.read("one", -1))?.kind, "waiting");
    await fleet.there.remote.release(fleet.lease);
    const { epoch } = await fleet.here.remote.look();
    assert.ok(await fleet.here.remote.take({ owner: "here", place: HERE, bots: [] }, epoch));
    assert.deepEqual((await owner.take([1], 9)).map(({ id }) => id), []);
    assert.deepEqual((await rows.take([1], 9)).map(({ id }) => id), ["one"]);
  });

  it("of a process that stops stay until it has ended, and end with it", async () => {
    const go = Promise.withResolvers<void>();
    const begun: string[] = [];
    const { promise: bothBegun, resolve } = Promise.withResolvers<void>();
    await using fleet = await openFleet(async function* (_partition, question, gone) {
      begun.push(question);
      if (begun.length === 2) resolve();
      const aborted = new Promise<void>((done) => gone.addEventListener("abort", () => done()));
      await (question === "long" ? aborted : go.promise);
      yield question;
    });
    const short = wholeAnswer(fleet.ask("short"));
    const long = wholeAnswer(fleet.ask("long"));
    await bothBegun;
    const untaken = wholeAnswer(fleet.here.asking.ask(0, "", NEVER)); // it has no owner
    const ends = Promise.all([
      assert.rejects(long, failsAs("lost")),
      assert.rejects(untaken, failsAs("untaken")),
    ]);
    await fleet.here.remote.leave(HERE, 60_000);
    server.sql(fleet.url, "UPDATE barnacle.members SET seen = '-infinity'");
    let ids: readonly string[] = [];
    while (ids.length < 3) {
      ids = await fleet.here.remote.use(async (sql) =>
        (await sql`SELECT id FROM barnacle.asks`).map(({ id }) => String(id))
      );
    }
    const there = createAsks(fleet.there.remote, THERE);
    assert.deepEqual(await there.waiting(ids, []), new Set(ids));
    go.resolve();
    assert.equal(await short, "short");
    await fleet.here.asking.close();
    await ends;
    await assert.rejects(wholeAnswer(fleet.ask("late")), failsAs("busy"));
    assert.deepEqual(begun.toSorted(), ["long", "short"]);
  });
});
