/**
 * Runs offered actions, and tells their outcome (T16).
 *
 * A run is stored before it begins. So after a crash, a run without an end is uncertain, and does not
 * begin again.
 */

import type { Account } from "../../core/account/account.ts";
import type { Emits } from "../../core/account/events.ts";
import type { UserId } from "../../core/discord/ids.ts";
import { dayStart, type UnattendedRule } from "../../core/hooks/unattended.ts";
import { type InboundMessage, isAtDiscord, type Sender } from "../../core/inbound/inbound.ts";
import type { Frozen } from "../../core/outbound/outbound.ts";
import { ALLOW_ONCE, type OfferedCall } from "../../core/people/question.ts";
import { RefusedCall } from "../../core/refused_call.ts";
import type { ActionRun } from "../../core/store/questions.ts";
import { type Tool, type ToolContext, UnknownOutcomeError } from "../../core/turn/tool.ts";
import { whenAborted } from "../../lib/clock.ts";
import { clip } from "../../lib/text/cut.ts";
import type { ActionRuns } from "../../store/questions/cards.ts";

export interface ToldOutcome extends Pick<ActionRun, "label" | "rule" | "state" | "byUser"> {
  /** The outcome in words. */
  readonly text: string;
  /** The offer of a run without a person, which had no card: its text, and the exact call. */
  readonly offer?: { readonly text: string; readonly exact: string };
}

/** Everything that runs need from outside. */
export interface ActionRunParts {
  readonly agentId: string;
  /** The tools of a sender in the place of a message (T2). */
  readonly toolsFor: (message: InboundMessage, agentId: string) => readonly Tool[];
  /** The tools that a hook's config may name: all but those that a `deny` or a gate closes. */
  readonly unattendedTools: (message: InboundMessage, agentId: string) => readonly Tool[];
  /**
   * A person as they are now; `undefined` if they have left the guild.
   *
   * @throws {unknown} If Discord does not answer, as a rejection.
   */
  readonly senderNow: (userId: UserId, message: InboundMessage) => Promise<Sender | undefined>;
  readonly cleanSecrets: (text: string) => string;
  /** Composes the message that tells an outcome, for the place of the turn. */
  readonly compose: (
    outcome: ToldOutcome,
    message: InboundMessage,
    callKey: string,
  ) => readonly Frozen[];
}

export type ActionAccount =
  & Pick<
    Account<{ readonly actions: ActionRuns }>,
    "accountId" | "store" | "now" | "log"
  >
  & Emits<"decided" | "outbox" | "ranUnattended">;

/** Maximum characters of an outcome that are kept. */
const MAX_OUTCOME = 4_000;

/** Creates the runs of an agent. The function is longer than most: its inner functions are one run. */
export function createActionRuns(
  { accountId, store: { actions }, events, now, log }: ActionAccount,
  { agentId, toolsFor, unattendedTools, senderNow, cleanSecrets, compose }: ActionRunParts,
) {
  /** Runs the chosen call as the person who pressed. */
  async function runAs(call: OfferedCall, by: UserId, context: ToolContext): Promise<string> {
    const sender = await senderNow(by, context.message);
    if (!sender) throw new RefusedCall("permission", "the person who pressed has left the server");
    // The tools of a hook's turn are those of the hook; a person who presses has their own.
    const asked = isAtDiscord(context.message) ? undefined : true;
    const message = { ...context.message, sender, asked, hooked: undefined } as const;
    const mine = toolsFor(message, agentId);
    const tool = mine.find(({ name }) => name === call.tool);
    const input = tool?.input.safeParse(JSON.parse(call.arguments));
    if (!tool || !input?.success) {
      throw new RefusedCall("closed_tool", `the person who pressed may not use ${call.tool} here`);
    }
    return await tool.run(input.data, {
      ...contextFor(context, message, mine),
      decision: { kind: "answered", answer: { choice: ALLOW_ONCE }, about: "offer", by },
    });
  }

  /** Runs a call of the config with the rights of the hook, which is no person. */
  async function runByRule(
    { tool: name, arguments: given, path }: UnattendedRule,
    context: ToolContext,
  ): Promise<string> {
    const tool = unattendedTools(context.message, agentId).find((one) => one.name === name);
    const input = tool?.input.safeParse(given);
    if (!tool || !input?.success) {
      throw new RefusedCall("closed_tool", `${path} may not use ${name}`);
    }
    return await tool.run(input.data, contextFor(context, context.message, [tool]));
  }

  async function endRun(
    { state, text }: { readonly state: ActionEnd; readonly text: string },
    { label, byUser, rule, offer }: Omit<ToldOutcome, "state" | "text">,
    { message, callKey }: ToolContext,
  ): Promise<void> {
    const outcome = clip(cleanSecrets(text), MAX_OUTCOME);
    const told = { label, byUser, rule, offer, state, text: outcome };
    await actions.end(callKey, { state, outcome }, compose(told, message, callKey), now());
    if (rule !== undefined) {
      log.info("An action ran without a person", { rule, messageId: message.id, state });
      events.emit.ranUnattended(rule, state);
    }
    events.emit.outbox([message.channelId]);
    events.emit.decided(); // its card shows the outcome
  }

  async function carryOut(
    run: () => Promise<string>,
    call: OfferedCall,
    begun: Omit<ToldOutcome, "state" | "text">,
    context: ToolContext,
  ): Promise<string> {
    const ended = await withinTurn(run, context.signal).then(
      (text) => ({ state: stateBy(call, text), text }),
      (error: unknown) => ({
        state: error instanceof UnknownOutcomeError || context.signal.aborted
          ? "unknown" as const
          : "failed" as const,
        text: error instanceof Error ? error.message : String(error),
      }),
    );
    await endRun(ended, begun, context);
    return resultText({ ...begun, ...ended });
  }

  /** The end of a run that has begun before. One without an end is uncertain from now on. */
  async function endOf(
    run: ActionRun,
    context: ToolContext,
    offer?: ToldOutcome["offer"],
  ): Promise<string> {
    const { state, outcome: text = "" } = run;
    if (state !== "running") return resultText({ ...run, state, text });
    const cut = { state: "unknown" as const, text: "the process ended while it ran" };
    await endRun(cut, { ...run, offer }, context);
    return resultText({ ...run, ...cut });
  }

  return {
    /** The run of a call; `undefined` if none has begun. */
    begunBy: ({ callKey }: Pick<ToolContext, "callKey">) => actions.runOf(callKey),
    endOf,
    /** Runs an action once, as the person who pressed. @returns The end, for the model. */
    async asPerson(call: OfferedCall, by: UserId, context: ToolContext): Promise<string> {
      const { message, callKey } = context;
      const label = cleanSecrets(call.label);
      const begun = { accountId, messageId: message.id, callKey, label, byUser: by };
      if (await actions.begin(begun, now())) {
        return await carryOut(() => runAs(call, by, context), call, { label, byUser: by }, context);
      }
      const run = await actions.runOf(callKey);
      if (run) return await endOf(run, context);
      throw new Error("its record is gone: find out whether it ran, before you offer it again");
    },
    /**
     * Runs an action once without a person, up to the rule's cap.
     *
     * @returns The end, for the model; `undefined` if the cap is reached.
     */
    async unattended(
      call: OfferedCall,
      rule: UnattendedRule,
      offer: NonNullable<ToldOutcome["offer"]>,
      context: ToolContext,
    ): Promise<string | undefined> {
      const { message: { id: messageId }, callKey } = context;
      const label = cleanSecrets(call.label);
      const { path, perDay: most } = rule;
      const limit = { rule: path, most, since: dayStart(now()) };
      const begin = await actions.beginUnattended(
        { accountId, messageId, callKey, label },
        limit,
        now(),
      );
      if (begin.kind === "repeated") {
        const { run } = begin;
        const text = run.outcome ?? "its outcome is not known";
        return `It ran in this turn before, and does not run twice. ${
          resultText({ ...run, state: run.state === "running" ? "unknown" : run.state, text })
        }`;
      }
      if (begin.kind === "spent") {
        log.warn("The cap of an action without a person is reached", { rule: path, messageId });
        events.emit.ranUnattended(path, "capped");
        return undefined;
      }
      const begun = { label, rule: path, offer };
      return await carryOut(() => runByRule(rule, context), call, begun, context);
    },
  };
}

type ActionEnd = Exclude<ActionRun["state"], "running">;

/** The call of an action is no call of the turn: it cannot wait, ask, or show images. */
function contextFor(
  { ports, sessionKey, callKey, isKnownLink, signal }: ToolContext,
  message: InboundMessage,
  tools: readonly Tool[],
): ToolContext {
  return {
    ports,
    message,
    sessionKey,
    callKey: `${callKey}:action`,
    isKnownLink,
    mayUse: (name) => tools.some((one) => one.name === name),
    signal,
  };
}

async function withinTurn(run: () => Promise<string>, signal: AbortSignal): Promise<string> {
  return await Promise.race([
    run(),
    whenAborted(signal).then(() => {
      throw new UnknownOutcomeError("the turn ended while it ran");
    }),
  ]);
}

/** A command that ends with another code has failed. */
function stateBy({ tool }: OfferedCall, text: string): ActionEnd {
  return tool === "exec" && !/^\[exit code 0\b/.test(text) ? "failed" : "done";
}

/** People see the card and the outcome already. */
export const NO_MORE =
  "People see this on the card. Answer NO_REPLY, unless there is something to add that they need.";

function resultText({ label, byUser, rule, state, text }: ToldOutcome): string {
  const who = rule !== undefined
    ? `The config permits "${label}" without a person`
    : `${byUser === undefined ? "A person" : `<@${byUser}>`} chose "${label}"`;
  const how = state === "done"
    ? "it ran"
    : state === "failed"
    ? "it failed"
    : "it is uncertain whether it ran; do not repeat it";
  return `${who}: ${how}.\n${text}\n\n${NO_MORE}`;
}
