/**
 * Plays the crash table of a turn with tools: a crash or an edit at every step, and every pair of
 * them.
 *
 * The turn calls tools that may run twice and tools that must not, alone and together. Only the
 * steps on the disk and the text of the message outlive a process.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runTurn } from "../../src/agent/turn.ts";
import type { Model, ToolCall } from "../../src/core/model.ts";
import type { Step } from "../../src/core/step.ts";
import { cleanSecrets, toolContext } from "../support/model/tools.ts";

/** The calls of each answer; "post" must not run twice. */
const PLAN: readonly (readonly string[])[] = [["read1", "post1", "read2", "read3"], ["post2"]];

/** A process ends before one of its steps. An edit also gives the message another text. */
interface Cut {
  readonly at: number;
  readonly kind: "crash" | "edit";
}

interface Weakness {
  /** Steps that a crash loses. */
  readonly loses?: Step["kind"];
}

interface Played {
  readonly reply: string | undefined;
  /** The newest text of the message. */
  readonly version: number;
  readonly effects: ReadonlyMap<string, number>;
  /** The last results that the model saw. */
  readonly results: ReadonlyMap<string, string>;
  /** Number of requests for an answer that the disk had. */
  readonly askedAgain: number;
  /** Steps of the last process. */
  readonly steps: number;
}

const callOf = (id: string): ToolCall => ({ id, name: id.replace(/\d/, ""), arguments: "{}" });

async function play(cuts: readonly Cut[], { loses }: Weakness = {}): Promise<Played> {
  let disk: readonly Step[] = [];
  let version = 1;
  let reply: string | undefined;
  let askedAgain = 0;
  let steps = 0;
  const effects = new Map<string, number>();
  const results = new Map<string, string>();

  for (let process = 0; reply === undefined; process++) {
    const cut = cuts[process];
    const ended = Promise.withResolvers<"ended">();
    const text = `version ${version}`;
    steps = 0;
    /** A process that has ended does nothing more, also not in its other calls. */
    const step = (): Promise<void> => {
      if (cut && steps++ >= cut.at) {
        ended.resolve("ended");
        return new Promise(() => {});
      }
      if (!cut) steps++;
      return Promise.resolve();
    };
    const model: Model = {
      id: "test/model",
      async *generate({ messages }) {
        await step();
        const answered = messages.filter(({ role }) => role === "assistant").length;
        const stored = disk.filter(({ kind }) => kind === "answer").length;
        if (answered < stored) askedAgain++;
        for (const message of messages) {
          if (message.role === "tool") results.set(message.call.id, message.text);
        }
        await step();
        const calls = PLAN[answered]?.map(callOf);
        if (calls) yield { kind: "finish", reason: "tool_calls", calls };
        else {
          yield { kind: "text", text: messages[0]?.text ?? "" };
          yield { kind: "finish", reason: "stop" };
        }
      },
    };
    const turn = runTurn(() => ({
      request: { system: "", messages: [{ role: "user", text }] },
      stepChars: Infinity,
    }), {
      model,
      toolbox: {
        definitions: [{ name: "post", description: "", parameters: {} }],
        isIdempotent: ({ name }) => name !== "post",
        ask: () => Promise.resolve(undefined),
        async run({ id }) {
          await step();
          effects.set(id, (effects.get(id) ?? 0) + 1);
          await step();
          return { end: "done", text: `done: ${id}` };
        },
      },
      contextOf: (callKey) => toolContext({ callKey }),
      steps: disk.filter(({ kind }) => kind !== loses),
      async save(more) {
        await step();
        disk = [...disk, ...more];
        await step();
      },
      cleanSecrets,
      maxSteps: 16,
      now: () => 0,
      ending: new AbortController(),
      schedule: () => () => {},
      timeoutMs: 600_000,
      isStoreDown: () => false,
    }).then(async (outcome) => {
      assert.ok(outcome.kind === "reply");
      await step();
      reply = outcome.text; // T3
      await step();
      return outcome.kind;
    });
    await Promise.race([turn, ended.promise]);
    if (cut?.kind === "edit" && reply === undefined) version++;
  }
  return { reply, version, effects, results, askedAgain, steps };
}

/** The broken rules of a run. */
function broken({ reply, version, effects, results, askedAgain }: Played): readonly string[] {
  const calls = PLAN.flat();
  return [
    ...calls.filter((id) => id.startsWith("post") && (effects.get(id) ?? 0) > 1)
      .map((id) => `${id} ran twice`),
    ...calls.filter((id) => results.get(id)?.startsWith("done") !== true)
      .filter((id) => !id.startsWith("post") || results.get(id)?.startsWith("Unknown") !== true)
      .map((id) => `${id} has the result ${results.get(id)}`),
    ...calls.filter((id) => results.get(id)?.startsWith("done") === true && !effects.has(id))
      .map((id) => `${id} seems done, and never ran`),
    ...reply === `version ${version}` ? [] : [`the reply is to ${reply}, not to ${version}`],
    ...askedAgain === 0 ? [] : [`${askedAgain} requests for a stored answer`],
  ];
}

const KINDS = ["crash", "edit"] as const;

function* pairs(steps: number): Generator<readonly Cut[]> {
  for (let first = 0; first < steps; first++) {
    for (const kind of KINDS) {
      yield [{ at: first, kind }];
      for (let second = 0; second < steps; second++) {
        for (const other of KINDS) yield [{ at: first, kind }, { at: second, kind: other }];
      }
    }
  }
}

describe("[D1] [T1] [H6] the crash table of a turn with tools", () => {
  it("runs no call twice that must not, keeps answers, and replies to the newest text", async () => {
    const { steps } = await play([]);
    let played = 0;
    let unknown = 0;
    for (const cuts of pairs(steps)) {
      const run = await play(cuts);
      assert.deepEqual(broken(run), [], JSON.stringify(cuts));
      played++;
      if ([...run.results.values()].some((text) => text.startsWith("Unknown"))) unknown++;
    }
    assert.equal(played, steps * 2 + (steps * 2) ** 2);
    assert.ok(unknown > 0 && unknown < played);
  });

  const controls: readonly [loses: Step["kind"], shows: RegExp][] = [
    ["begun", /post1 ran twice/],
    ["answer", /\d+ requests for a stored answer/],
  ];
  for (const [loses, shows] of controls) {
    it(`shows that a store loses steps of the kind "${loses}"`, async () => {
      const { steps } = await play([]);
      const found: string[] = [];
      for (let at = 0; at < steps; at++) {
        found.push(...broken(await play([{ at, kind: "crash" }], { loses })));
      }
      assert.match(found.join("\n"), shows);
    });
  }
});
