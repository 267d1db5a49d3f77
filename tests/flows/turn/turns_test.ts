import assert from "node:assert/strict";
import type { NextStep } from "../../../src/agent/next_step.ts";
import { describe, it } from "node:test";
import type { MessageId } from "../../../src/core/discord/ids.ts";
import type { Claim, Judged } from "../../../src/core/inbound/inbox.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import { createTurnLimit } from "../../../src/flows/turn/control/turn_limit.ts";
import { createTurns, type RunningTurn } from "../../../src/flows/turn/turns.ts";
import { directMessage, messageId, sender, userId } from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { settle } from "../../support/settle.ts";

const OWNER = "1";

/** @param asker Id of the person; by default an owner, who may have several turns. */
const claimOf = (id: string, asker = OWNER): Claim => ({
  message: directMessage({ id: messageId(id), sender: sender({ id: userId(asker) }) }),
  route: { agentId: "main", sessionKey: `agent:main:${id}` },
  attempt: 1,
});

const isCommand = ({ text }: InboundMessage) => text.startsWith("/");

/** A queue of claims, and turns that end on demand. */
function setUp(
  ids: readonly string[],
  maxConcurrent = 2,
  afterwards?: (ending: AbortSignal) => Promise<void>,
) {
  const waiting = ids.map((id) => claimOf(id));
  /** Messages that only their claims read. */
  const unread = new Set<MessageId>();
  const changed = new Set<MessageId>();
  const started: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<void>>();
  const running = new Map<MessageId, RunningTurn>();
  const runningIn = (sessionKey: string) =>
    [...running].flatMap(([id, { claim }]) => claim.route.sessionKey === sessionKey ? [id] : []);
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const turns = createTurns({
    claimNext(admits) {
      const next = waiting.findIndex(({ message, message: { sender }, route }) =>
        admits(
          {
            sender,
            route,
            message: unread.has(message.id) ? undefined : message,
          },
          runningIn(route.sessionKey),
        )
      );
      return Promise.resolve(next < 0 ? undefined : waiting.splice(next, 1)[0]);
    },
    release: (claim) => {
      waiting.push(claim);
      return Promise.resolve();
    },
    isRunning: ({ message }) => !changed.has(message.id),
    isOwner: ({ sender }) => sender.id === OWNER,
    runsBeside: (running, next) => running.length < 3 && ![...running, next].some(isCommand),
    interrupts: ({ id }, next) => next.text === `in place of ${id}`,
    isCommand,
    answer: ({ message: { id } }, turn) => {
      started.push(id);
      running.set(id, turn);
      turn.afterwards = afterwards;
      const end = Promise.withResolvers<void>();
      ends.set(id, end);
      return end.promise.finally(() => running.delete(id));
    },
    turnLimit: createTurnLimit(() => maxConcurrent),
    schedule: clock.schedule,
    stopping: new AbortController().signal,
    log,
  });
  return { turns, waiting, unread, changed, started, ends, running, clock, lines };
}

describe("[S5] createTurns()", () => {
  it("runs as many turns at once as allowed, and no more", async () => {
    const { turns, started } = setUp(["1", "2", "3"]);
    turns.wake();
    await settle();
    assert.deepEqual(started, ["1", "2"]);
  });

  it("[L4] runs work after a turn that no message waits for", async () => {
    const signals: AbortSignal[] = [];
    const rest = Promise.withResolvers<void>();
    const { turns, started, ends } = setUp(["1", "2"], 1, (ending) => {
      signals.push(ending);
      return rest.promise;
    });
    turns.wake();
    await settle();
    assert.equal(signals.length, 0);
    ends.get("1")?.resolve();
    await settle();
    assert.equal(signals.length, 1);
    assert.deepEqual(started, ["1", "2"]);
    ends.get("2")?.resolve();
    let hasStopped = false;
    const stopped = turns.stop().then(() => void (hasStopped = true));
    assert.equal(signals[0]?.aborted, true, "a stop ends such work");
    await settle();
    assert.equal(hasStopped, false, "a stop waits until it has ended");
    rest.resolve();
    await stopped;
  });

  it("starts the next turn when one ends", async () => {
    const { turns, started, ends } = setUp(["1", "2", "3"]);
    turns.wake();
    await settle();
    ends.get("2")?.resolve();
    await settle();
    assert.deepEqual(started, ["1", "2", "3"]);
  });

  for (let ticks = 0; ticks < 12; ticks++) {
    it(`misses no message that arrives ${ticks} microtasks after a claim began`, async () => {
      const { turns, waiting, started } = setUp([]);
      turns.wake();
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
      waiting.push(claimOf("1"));
      turns.wake();
      await settle();
      assert.deepEqual(started, ["1"]);
    });
  }

  it("runs a turn again later if its end could not be stored", async () => {
    const { turns, started, ends, clock, lines } = setUp(["1"]);
    turns.wake();
    await settle();
    ends.get("1")?.reject(new Error("disk full"));
    await settle();
    assert.deepEqual(started, ["1"]);
    assert.equal(lines.filter(({ level }) => level === "error").length, 1);
    clock.advance(5_000);
    await settle();
    assert.deepEqual(started, ["1", "1"]);
  });

  it("[G12] claims nothing after stop, and waits for running turns", async () => {
    const { turns, started, ends } = setUp(["1", "2"], 1);
    turns.wake();
    await settle();
    let isStopped = false;
    const stopped = turns.stop().then(() => isStopped = true);
    await settle();
    assert.equal(isStopped, false);
    ends.get("1")?.resolve();
    await stopped;
    assert.deepEqual(started, ["1"]);
  });

  it("[G12] waits 3 s for an MCP server after a stop, and for all else as long as it takes", async () => {
    const call = (name: string) => ({ id: "1", name, arguments: "{}" });
    const cases: readonly (readonly [next: NextStep, isEnded: boolean])[] = [
      [{ kind: "ask", answers: 1 }, false],
      [{ kind: "run_once", call: call("exec") }, false],
      [{ kind: "run_once", call: call("mcp__shop__buy") }, true],
      [{ kind: "run", calls: [call("web_fetch"), call("mcp__shop__look")] }, true],
    ];
    for (const [next, isEnded] of cases) {
      const { turns, running, ends, clock } = setUp(["1"]);
      turns.wake();
      await settle();
      const [turn] = running.values();
      assert.ok(turn);
      turn.next = { kind: "ask", answers: 0 };
      const stopped = turns.stop();
      await settle();
      clock.advance(3_000);
      assert.equal(turn.ending.signal.aborted, false, "it asks the model");
      turn.next = next; // the model wants a call only now
      clock.advance(3_000);
      assert.equal(turn.ending.signal.aborted, isEnded, JSON.stringify(next));
      ends.get("1")?.resolve();
      await stopped;
    }
  });
});

describe("[X4a] createTurns() while people ask more than it can answer", () => {
  it("begins an owner's turn at once, and one turn of each other person", async () => {
    const { turns, waiting, started, ends } = setUp([], 4);
    for (const asker of ["7", "7", "7", "7", "8", "9", "10"]) {
      waiting.push(claimOf(`${waiting.length + 1}`, asker));
    }
    turns.wake();
    await settle();
    assert.deepEqual(started, ["1", "5", "6"], "one place is kept");
    waiting.push(claimOf("90"), claimOf("91"));
    turns.wake();
    await settle();
    assert.deepEqual(started.slice(3), ["90"]);
    ends.get("90")?.resolve();
    await settle();
    assert.deepEqual(started.slice(4), ["91"], "the kept place is for owners");
    ends.get("91")?.resolve();
    ends.get("5")?.resolve();
    await settle();
    assert.deepEqual(started.slice(5), ["7"], "7 has a turn already");
    ends.get("1")?.resolve();
    await settle();
    assert.deepEqual(started.slice(6), ["2"]);
  });

  it("begins an owner's turn at once, behind 10,000 mentions of 2,000 people", async () => {
    const { turns, waiting, started } = setUp([], 4);
    for (let n = 0; n < 10_000; n++) waiting.push(claimOf(`${1_000 + n}`, `${1_000 + n % 2_000}`));
    waiting.push(claimOf("90"));
    turns.wake();
    await settle();
    assert.deepEqual(started, ["1000", "1001", "1002", "90"]);
  });
});

describe("[S5] createTurns() in a lively channel", () => {
  const LIVELY = "agent:main:lively";
  const inOne = (asker: string): Claim => ({
    ...claimOf(asker, asker),
    route: { agentId: "main", sessionKey: LIVELY },
  });

  /** A message of a person that ends the turn of another message. */
  function inPlaceOf(id: string, asker: string): Judged {
    const { message, route } = inOne(asker);
    const verdict = { kind: "accept", why: "dm-allowed", rule: "dm.allowFrom" } as const;
    return { message: { ...message, text: `in place of ${id}` }, route, verdict };
  }

  /** Three turns side by side, and the ids of those that may show their answers. */
  async function threeTurns() {
    const scene = setUp([], 8);
    for (const asker of ["7", "8", "9", "10"]) scene.waiting.push(inOne(asker));
    scene.turns.wake();
    await settle();
    const shown: string[] = [];
    for (const [id, { mayShow = Promise.resolve() }] of scene.running) {
      void mayShow.then(() => shown.push(id));
    }
    return { ...scene, shown };
  }

  it("runs three turns side by side, and each knows the questions before its own", async () => {
    const { running } = await threeTurns();
    const ahead = [...running].map(([id, turn]) => [id, turn.ahead.map((question) => question.id)]);
    assert.deepEqual(ahead, [["7", []], ["8", ["7"]], ["9", ["7", "8"]]]);
  });

  it("shows answers in the order of the questions, ready in any order", async () => {
    const { shown, ends } = await threeTurns();
    ends.get("8")?.resolve();
    await settle();
    assert.deepEqual(shown, ["7"], "9 waits for 7, too");
    ends.get("7")?.resolve();
    await settle();
    assert.deepEqual(shown, ["7", "8", "9"]);
  });

  it("waits for an interrupted turn's record, and not for a turn that a change ended", async () => {
    const { turns, changed, shown, ends } = await threeTurns();
    changed.add(messageId("7"));
    turns.touched();
    turns.accepted([inPlaceOf("8", OWNER)]);
    await settle();
    assert.deepEqual(shown, ["7", "8"], "8 is cut itself");
    ends.get("8")?.resolve();
    await settle();
    assert.deepEqual(shown, ["7", "8", "9"]);
  });

  it("gives the place of a turn that only waits to another channel", async () => {
    const { turns, waiting, started, running } = setUp([], 4);
    waiting.push(inOne("7"), inOne("8"), claimOf("9", "9"), claimOf("10", "10"));
    turns.wake();
    await settle();
    assert.deepEqual(started, ["7", "8", "9"]);
    running.get(messageId("8"))?.freePlace();
    await settle();
    assert.deepEqual(started, ["7", "8", "9", "10"]);
  });

  const withCommand = (claim: Claim): Claim => ({
    ...claim,
    message: { ...claim.message, text: "/status" },
  });

  it("lets a command wait for the turns that run, and for none of later questions", async () => {
    const { turns, waiting, started, ends } = setUp([], 8);
    waiting.push(inOne("7"), inOne("8"), withCommand(inOne("9")), inOne("10"), inOne(OWNER));
    turns.wake();
    await settle();
    assert.deepEqual(started, ["7", "8", OWNER], "an owner's question waits for no one's command");
    for (const id of started) ends.get(id)?.resolve();
    await settle();
    assert.deepEqual(started.slice(3), ["9"]);
    ends.get("9")?.resolve();
    await settle();
    assert.deepEqual(started.slice(4), ["10"]);
  });

  it("lets no later question pass a turn that goes on after a person's answer", async () => {
    const { turns, waiting, unread, started, ends } = setUp([], 8);
    waiting.push(inOne("7"), inOne("8"), inOne("9"));
    unread.add(messageId("8"));
    turns.wake();
    await settle();
    assert.deepEqual(started, ["7"]);
    ends.get("7")?.resolve();
    await settle();
    assert.deepEqual(started, ["7", "8", "9"]);
  });

  it("lets questions pass a command whose sender waits for a turn of their own", async () => {
    const { turns, waiting, started } = setUp([], 8);
    const own = withCommand(inOne("7"));
    waiting.push(inOne("7"), { ...own, message: { ...own.message, id: messageId("70") } });
    waiting.push(inOne("8"));
    turns.wake();
    await settle();
    assert.deepEqual(started, ["7", "8"]);
  });

  it("ends no turn for a person who waits for one in another session", async () => {
    const { turns, waiting, running } = await threeTurns();
    waiting.push(claimOf("70", "11"));
    turns.wake();
    await settle();
    const isCut = () => running.get(messageId("8"))?.cut === "interrupted";
    turns.accepted([inPlaceOf("8", "11")]);
    assert.equal(isCut(), false);
    turns.accepted([inPlaceOf("8", "9")]);
    assert.equal(isCut(), true);
  });
});
