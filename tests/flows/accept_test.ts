import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ApplicationId } from "../../src/core/ids.ts";
import type { AcceptedBatch } from "../../src/core/inbox.ts";
import type { GatewaySession, InboundBatch, InboundEvent, Self } from "../../src/core/inbound.ts";
import type { Verdict } from "../../src/core/verdict.ts";
import { createAcceptor, type Stored } from "../../src/flows/accept.ts";
import { ACCOUNT, channelId, directMessage, messageId, userId } from "../support/builders.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { recordingLog } from "../support/recording_log.ts";

const ACCEPT: Verdict = { kind: "accept", why: "dm-allowed", rule: "dm.allowFrom" };
const IGNORE: Verdict = { kind: "ignore", why: "no-mention", rule: "r", keepAsContext: true };
const SELF: Self = {
  userId: userId("99"),
  applicationId: "99" as ApplicationId,
  username: "barnacle",
};
const SESSION: GatewaySession = { sessionId: "s1", resumeUrl: "wss://resume", seq: 1 };

const chatter = (id: string): InboundEvent =>
  directMessage({ id: messageId(id), text: "to nobody" });
const question = (id: string): InboundEvent => directMessage({ id: messageId(id), text: "bot?" });
const batch = (seq: number, ...events: readonly InboundEvent[]): InboundBatch => ({
  accountId: ACCOUNT,
  ticket: seq,
  seq,
  events,
  guilds: [],
});

/** A store that keeps what it is given, in order, and refuses while it is told to. */
function setUp() {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const steps: string[] = [];
  const stored: AcceptedBatch[] = [];
  const told: Stored[] = [];
  const world = { isFull: false, isT1Full: false, accepted: 0, settled: 0 };
  const acceptor = createAcceptor({
    store: {
      startGatewaySession(_account, { sessionId }) {
        if (world.isFull) return Promise.reject(new Error("disk full"));
        steps.push(`T0 ${sessionId}`);
        return Promise.resolve();
      },
      acceptBatch(accepted) {
        if (world.isFull || world.isT1Full) return Promise.reject(new Error("disk full"));
        steps.push(`T1 ${accepted.judged.map(({ message }) => message.id).join()}`);
        stored.push(accepted);
        const routed = accepted.judged.filter(({ route }) => route).length;
        return Promise.resolve({
          accepted: routed,
          settled: accepted.echoes.length,
          settledIn: accepted.echoes.length > 0 ? [channelId("1400000000000000002")] : [],
        });
      },
    },
    admit: ({ text }) => text === "bot?" ? ACCEPT : IGNORE,
    route: () => ({ agentId: "main", sessionKey: "agent:main:main" }),
    now: clock.now,
    schedule: clock.schedule,
    log,
    committed: (seq) => steps.push(`committed ${seq}`),
    onAccepted: () => world.accepted++,
    onSettled: () => world.settled++,
    onStored: (one) => told.push(one),
  });
  return { acceptor, clock, lines, steps, stored, told, world };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("createAcceptor()", () => {
  it("[D1] stores a message that is to be answered at once, with its seq", async () => {
    const { acceptor, steps, stored, world } = setUp();
    acceptor.accept(batch(7, question("11")));
    await settle();
    assert.deepEqual(steps, ["T1 11", "committed 7"]);
    assert.equal(stored[0]?.seq, 7);
    assert.equal(world.accepted, 1);
    assert.deepEqual(stored[0]?.judged[0]?.route, {
      agentId: "main",
      sessionKey: "agent:main:main",
    });
  });

  it("lets chatter wait for company, and its seq with it", async () => {
    const { acceptor, clock, steps } = setUp();
    acceptor.accept(batch(1, chatter("11")));
    acceptor.accept(batch(2, chatter("12")));
    await settle();
    assert.deepEqual(steps, []);
    clock.advance(250);
    await settle();
    assert.deepEqual(steps, ["T1 11,12", "committed 2"]);
  });

  it("stores fifty of them without waiting", async () => {
    const { acceptor, steps } = setUp();
    for (let index = 0; index < 50; index++) {
      acceptor.accept(batch(index, chatter(`${100 + index}`)));
    }
    await settle();
    assert.equal(steps.at(-1), "committed 49");
  });

  it("[P1] says of each message that is not answered why, and no word of it", async () => {
    const { acceptor, lines } = setUp();
    acceptor.accept(batch(1, chatter("11"), question("12")));
    await acceptor.flush();
    assert.deepEqual(lines.map(({ level, fields }) => ({ level, ...fields })), [{
      level: "debug",
      messageId: "11",
      channelId: directMessage().channelId,
      authorId: directMessage().sender.id,
      why: "no-mention",
      rule: "r",
    }]);
    assert.doesNotMatch(JSON.stringify(lines), /to nobody/);
  });

  it("keeps the order where an answer overtakes nothing", async () => {
    const { acceptor, steps } = setUp();
    acceptor.accept(batch(1, chatter("11")));
    acceptor.accept(batch(2, question("12")));
    await settle();
    assert.deepEqual(steps, ["T1 11,12", "committed 2"]);
  });

  for (let ticks = 0; ticks < 20; ticks++) {
    it(`stores a message that comes ${ticks} microtasks after another, without waiting`, async () => {
      const { acceptor, stored } = setUp();
      acceptor.accept(batch(1, question("11")));
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
      acceptor.accept(batch(2, question("12")));
      await settle();
      const ids = stored.flatMap(({ judged }) => judged.map(({ message }) => message.id));
      assert.deepEqual(ids, ["11", "12"]);
    });
  }

  it("[G5] stores a new gateway session before its events, and after those of the last", async () => {
    const { acceptor, steps } = setUp();
    acceptor.accept(batch(90, chatter("11")));
    acceptor.accept({ ...batch(1, question("12")), started: { session: SESSION, self: SELF } });
    await settle();
    assert.deepEqual(steps, ["T1 11", "committed 90", "T0 s1", "T1 12", "committed 1"]);
  });

  it("[D2] hands the gateway's echoes to the outbox, and wakes its lanes", async () => {
    const { acceptor, stored, told, world } = setUp();
    const own = { accountId: ACCOUNT, id: messageId("77"), channelId: channelId("5") };
    acceptor.accept(batch(3, { kind: "own_message", nonce: "n1", ...own }));
    acceptor.accept(batch(4, { kind: "own_message", ...own }));
    acceptor.accept(batch(5, { kind: "own_message", nonce: "n2", ...own }));
    await acceptor.flush();
    const echoes = ["n1", "n2"].map((nonce) => ({ nonce, messageId: "77" }));
    assert.deepEqual(stored[0]?.echoes, echoes);
    assert.equal(world.settled, 1);
    assert.equal(told[0]?.settled, 2, "rows, not channels");
  });

  it("[X2] loses nothing while the disk is full, and commits no seq of it", async () => {
    const { acceptor, clock, lines, steps, world } = setUp();
    world.isFull = true;
    acceptor.accept(batch(1, question("11")));
    await settle();
    acceptor.accept(batch(2, question("12")));
    await settle();
    assert.deepEqual(steps, []);
    assert.ok(lines.some(({ level }) => level === "error"));
    await assert.rejects(acceptor.flush(), /disk full/);

    world.isFull = false;
    clock.advance(5_000);
    await settle();
    assert.deepEqual(steps, ["T1 11,12", "committed 2"]);
  });

  it("[G5] stores a session once, although its events were refused", async () => {
    const { acceptor, clock, steps, world } = setUp();
    world.isT1Full = true;
    acceptor.accept({ ...batch(1, question("12")), started: { session: SESSION, self: SELF } });
    await settle();
    world.isT1Full = false;
    clock.advance(5_000);
    await settle();
    assert.deepEqual(steps, ["T0 s1", "T1 12", "committed 1"]);
  });

  it("[G5] commits no seq below one that it has, when a RESUME begins again before it", async () => {
    const { acceptor, clock, stored, steps } = setUp();
    acceptor.accept({ ...batch(9, chatter("19")), ticket: 1 });
    acceptor.accept({ ...batch(5, chatter("15")), ticket: 2 });
    clock.advance(250);
    await settle();
    assert.deepEqual(stored.map(({ seq }) => seq), [9]);
    assert.deepEqual(steps.at(-1), "committed 2");
  });

  it("flushes what is being stored, too", async () => {
    const { acceptor, steps } = setUp();
    acceptor.accept(batch(1, question("11")));
    await acceptor.flush();
    assert.deepEqual(steps, ["T1 11", "committed 1"]);
  });

  it("flushes what waits", async () => {
    const { acceptor, clock, steps } = setUp();
    acceptor.accept(batch(1, chatter("11")));
    await acceptor.flush();
    assert.deepEqual(steps, ["T1 11", "committed 1"]);
    assert.equal(clock.pending, 0);
  });
});
