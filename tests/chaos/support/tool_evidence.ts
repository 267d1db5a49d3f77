/**
 * Finds the effects of tools in the simulated Discord and in the store, and states their bounds.
 */

import type { Scene } from "../../support/bot/e2e.ts";
import type { Bell } from "./bell.ts";
import type { Bound, Report } from "./report.ts";
import type { Effects, StepRow, ToolAccount } from "./tool_ledger.ts";
import { EMOJI } from "./tool_plan.ts";

export function boundsOf(used: ToolAccount): readonly Bound[] {
  return [
    ["no call has two effects", used.ranTwice.length === 0],
    ["the model learns what happened", used.untrue.length === 0],
    ["the model learns of cut calls", used.forgotten.length === 0],
    ["no stored answer is asked for again", used.askedAgain.length === 0],
    ["no tool runs before its step is stored", used.tooEarly.length === 0],
    ["messages of tools stand before their answer", used.misplaced.length === 0],
    ["receipts tell how each call ended", used.misreported.length === 0],
  ];
}

/** The first calls that broke a bound, for the report. */
export function brokenCalls(used: ToolAccount): Report["facts"] {
  const { ranTwice, untrue, forgotten, askedAgain, tooEarly, misplaced, misreported } = used;
  const calls = [...ranTwice, ...untrue, ...forgotten, ...askedAgain, ...tooEarly];
  const broken = [...calls, ...misplaced, ...misreported];
  return broken.length === 0 ? {} : { brokenCalls: broken.slice(0, 12).join("; ") };
}

/** The bot's messages, by the channels that have some. */
export function writtenIn({ simulator, written }: Scene): Effects["written"] {
  return new Map([...simulator.world.channels.keys()].map((id) => [id, written(id)]));
}

export function effectsIn(scene: Scene, { rings }: Bell): Effects {
  const { simulator: { world, application } } = scene;
  const texts = (sql: string) => scene.rows(sql).map(({ text }) => String(text));
  return {
    rings,
    written: writtenIn(scene),
    reacted: new Set(
      [...world.channels.values()].flatMap(({ messages }) =>
        [...messages.values()].filter(({ reactions }) =>
          reactions.get(EMOJI)?.has(application.userId)
        ).map(({ id }) => id)
      ),
    ),
    rows: [...texts("SELECT text FROM schedule"), ...texts("SELECT text FROM note")],
  };
}

/** The stored steps after one, in order. */
export function stepsAfter(scene: Scene, id: number): readonly StepRow[] {
  const found = scene.rows(`SELECT id, message_id, step FROM step WHERE id > ${id} ORDER BY id`);
  return found.map((row) => ({
    id: Number(row["id"]),
    messageId: String(row["message_id"]),
    step: String(row["step"]),
  }));
}
