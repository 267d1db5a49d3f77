import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { WireRequest } from "../../../simulator/model/wire.ts";
import { createToolLedger, type Effects, type StepRow, type ToolLedger } from "./tool_ledger.ts";
import { type PlannedCall, planOf, textOf } from "./tool_plan.ts";

const SEED = 1;
const MESSAGE = "1400000000000000001";
const CHANNEL = "1400000000000000002";

/** Together, their plans have all kinds of calls. */
for (const name of ["q000001", "q000002", "q000004"]) proveFor(name);

function proveFor(NAME: string): void {
  const PLAN = planOf(NAME, MESSAGE, SEED);

  /** A request with the results of some answers; each result is a text. */
  function requestWith(...answers: readonly (readonly string[])[]): WireRequest {
    return {
      model: "m",
      system: "",
      tools: ["discord"],
      hasTools: true,
      messages: [
        { role: "user", text: `<message boundary="1">${NAME}</message>` },
        ...answers.flatMap((results) => [
          { role: "assistant", text: "" },
          ...results.map((text) => ({ role: "tool", text })),
        ]),
      ],
    };
  }

  const DONE = PLAN.map((calls) => calls.map(() => "done"));

  const RECEIPTS = PLAN.flat().filter(({ kind }) => kind !== "read").map(() => "✓ it");
  /** The answer, with receipts. */
  const answer = (receipts: readonly string[]) =>
    [`${NAME} take 1`, ...(receipts.length > 0 ? [`-# ${receipts.join(" · ")}`] : [])].join("\n");

  /** The effects of a run without faults. */
  function effects(change: (call: PlannedCall) => number = () => 1): Effects {
    const calls = PLAN.flat();
    const of = (kind: PlannedCall["kind"], text: (key: string) => string) =>
      calls.flatMap((call) =>
        call.kind === kind ? Array.from({ length: change(call) }, () => text(call.key)) : []
      );
    const rings = new Map<string, number>();
    for (const key of of("ring", (key) => key)) rings.set(key, (rings.get(key) ?? 0) + 1);
    const reminders = of("remind", (key) => `remind ${key}`);
    return {
      rings,
      written: new Map([[CHANNEL, [...of("send", textOf), answer(RECEIPTS), ...reminders]]]),
      reacted: new Set(of("react", () => MESSAGE)),
      rows: [...reminders, ...of("note", (key) => `note ${key}`)],
    };
  }

  function played(play: (ledger: ToolLedger) => void = () => {}): ToolLedger {
    const ledger = createToolLedger(SEED, 100);
    ledger.asked(NAME, MESSAGE);
    ledger.callsFor(requestWith());
    play(ledger);
    return ledger;
  }

  const KEPT = {
    calls: PLAN.flat().length,
    unknown: 0,
    failed: 0,
    ranTwice: [],
    untrue: [],
    forgotten: [],
    askedAgain: [],
    tooEarly: [],
    misplaced: [],
    misreported: [],
  };

  const row = (id: number, step: object) => ({
    id,
    messageId: MESSAGE,
    step: JSON.stringify(step),
  });

  describe(`createToolLedger(), ${NAME}`, () => {
    it("plays the same calls again, and finds nothing in a run without faults", () => {
      const ledger = played();
      const [first = []] = PLAN;
      assert.deepEqual(ledger.callsFor(requestWith()), first.map(({ wire }) => wire));
      assert.deepEqual(ledger.callsFor(requestWith(...DONE)), []);
      assert.deepEqual(ledger.account(effects()), KEPT);
    });

    it("finds a call with two effects, and one without any", () => {
      for (const { kind, key } of PLAN.flat()) {
        if (kind === "read") continue;
        const ledger = played((it) => void it.callsFor(requestWith(...DONE)));
        const none = ledger.account(effects((call) => call.key === key ? 0 : 1));
        assert.deepEqual(none.untrue, [`${kind} ${key} done, with 0 effects`]);
        if (kind === "react") continue; // Discord has one reaction of each account
        const twice = ledger.account(effects((call) => call.key === key ? 2 : 1));
        assert.deepEqual(twice.ranTwice, [`${kind} ${key}`]);
      }
    });

    it("finds a call whose result the model never saw", () => {
      const { untrue } = played().account(effects());
      assert.equal(untrue.filter((one) => one.endsWith("has no result")).length, KEPT.calls);
    });

    it("finds a cut call that seems done, and a stored result that has changed", () => {
      const [first] = PLAN.flat();
      assert.ok(first);
      const answer = row(1, { kind: "answer" });
      const begun = row(2, { kind: "begun", callId: first.wire.id });
      const cut = played((ledger) => {
        ledger.killed([answer, begun]);
        ledger.callsFor(requestWith(...DONE));
      });
      assert.deepEqual(cut.account(effects()).forgotten, [`${first.key} cut, now done`]);
      const told = played((ledger) => {
        ledger.killed([answer, begun]);
        ledger.callsFor(requestWith(["Unknown: it was cut", ...DONE.flat()], ...DONE.slice(1)));
      });
      assert.deepEqual(told.account(effects()).forgotten, []);
      const changed = played((ledger) => {
        ledger.killed([answer, row(2, { kind: "result", callId: first.wire.id, end: "failed" })]);
        ledger.callsFor(requestWith(...DONE));
      });
      assert.deepEqual(changed.account(effects()).forgotten, [`${first.key} failed, now done`]);
    });

    it("finds a second request for a stored answer", () => {
      const ledger = played((it) => {
        it.killed([row(1, { kind: "answer" })]);
        it.callsFor(requestWith());
        it.callsFor(requestWith(...DONE));
      });
      assert.equal(ledger.lastRow, 1);
      assert.deepEqual(ledger.account(effects()).askedAgain, [`${NAME} answer 1 of 1`]);
    });

    it("finds an effect of a call whose answer is not stored", () => {
      const [first] = PLAN.flat();
      assert.ok(first);
      const play = (rows: readonly StepRow[]) =>
        played((ledger) => {
          ledger.happened(first.key);
          ledger.killed(rows);
          ledger.callsFor(requestWith(...DONE));
        }).account(effects()).tooEarly;
      assert.deepEqual(play([]), [first.key]);
      assert.deepEqual(play([row(1, { kind: "answer" })]), []);
    });

    it("[R15a] finds receipts that do not tell how the calls ended", () => {
      const ledger = played((it) => it.callsFor(requestWith(...DONE)));
      const told = (...receipts: readonly string[]) => {
        const written = new Map([[CHANNEL, [answer(receipts)]]]);
        return ledger.account({ ...effects(), written }).misreported.length;
      };
      assert.equal(told(...RECEIPTS), 0);
      if (RECEIPTS.length > 1) assert.equal(told(`✓ it ×${RECEIPTS.length}`), 0);
      assert.equal(told(...RECEIPTS, "✓ it"), 1);
      assert.equal(told(...RECEIPTS.slice(1), "? it"), 1);
      assert.equal(told(...RECEIPTS.slice(1)), Math.sign(RECEIPTS.length));
    });

    it("finds a message of a tool behind its answer, and behind a later one of the turn", () => {
      const ledger = played();
      const [one, two] = [`${NAME}.1.1`, `${NAME}.1.2`];
      const misplaced = (...contents: readonly string[]) =>
        ledger.account({ ...effects(), written: new Map([[CHANNEL, contents]]) }).misplaced;
      assert.deepEqual(misplaced(textOf(one), textOf(two), NAME), []);
      assert.deepEqual(misplaced(textOf(two), textOf(one), NAME), [one]);
      assert.deepEqual(misplaced(textOf(one), NAME, textOf(two)), [two]);
      assert.deepEqual(misplaced(NAME, `remind ${one}`), []);
    });
  });
}
