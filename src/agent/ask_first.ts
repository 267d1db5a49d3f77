/** Finds the calls that wait for people, before any of them runs. */

import type { ToolCall } from "../core/model.ts";
import type { AskedCall } from "../core/people/question.ts";
import { questionKey, type ToolContext } from "../core/turn/tool.ts";
import type { Toolbox } from "./toolbox.ts";
import type { Questions } from "../store/questions/questions.ts";

/** Decisions of people about calls. */
export type AskPorts = Pick<Questions, "decisionOf">;

/** A call that may run now. */
export interface ReadyCall {
  readonly call: ToolCall;
  /** How often it has waited for a person since it began. */
  readonly round: number;
  readonly context: ToolContext;
}

/**
 * Sorts calls.
 *
 * @param calls With what each gets to know.
 * @param people Absent: no call waits for people.
 * @returns Calls that may run, with the decisions about them, and those that people must decide about.
 */
export async function askFirst(
  calls: readonly ReadyCall[],
  toolbox: Pick<Toolbox, "ask">,
  people: AskPorts | undefined,
): Promise<{ readonly ready: readonly ReadyCall[]; readonly asked: readonly AskedCall[] }> {
  if (!people) return { ready: calls, asked: [] };
  const ready: ReadyCall[] = [];
  const asked: AskedCall[] = [];
  const covered = new Set<string>();
  for (const { call, round, context } of calls) {
    if (covered.has(context.callKey)) continue; // it waits for the question of another call
    const decision = await people.decisionOf(questionKey(context.callKey, round));
    const question = decision ? undefined : await toolbox.ask(call, context).catch(() => undefined);
    if (question) {
      asked.push({ callKey: context.callKey, question });
      for (const key of question.covers ?? []) covered.add(key);
    } else ready.push({ call, round, context: decision ? { ...context, decision } : context });
  }
  return { ready, asked };
}
