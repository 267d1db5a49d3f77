/**
 * Actions that a model offers and a person runs by a press (T16).
 *
 * The model decides nothing: the card shows the exact calls, and the press decides. The call then
 * runs as if the person who pressed had asked for it: with their tools, and their rights on Discord.
 */

import { type InboundMessage, isAtDiscord, type Sender } from "../../core/inbound/inbound.ts";
import type { UserId } from "../../core/discord/ids.ts";
import type { Frozen } from "../../core/outbound/outbound.ts";
import { ALLOW_ONCE, type Decision, DENY, type OfferedCall } from "../../core/people/question.ts";
import { badArguments, RefusedCall } from "../../core/refused_call.ts";
import { namedFacts } from "../../core/turn/decided_action.ts";
import type { ActionRun, ActionRuns } from "../../core/store/questions.ts";
import {
  type Offer,
  type OffersPort,
  type Tool,
  type ToolContext,
  UnknownOutcomeError,
} from "../../core/turn/tool.ts";
import { whenAborted } from "../../lib/clock.ts";
import { clip } from "../../lib/text/cut.ts";
import type { Account } from "../../core/account/account.ts";
import type { Emits } from "../../core/account/events.ts";

/** Everything that offers need from outside. */
export interface OfferParts {
  /** The agent that offers. */
  readonly agentId: string;
  /** All tools that there are. */
  readonly tools: () => readonly Tool[];
  /** The tools of a sender in the place of a message (T2). */
  readonly toolsFor: (message: InboundMessage, agentId: string) => readonly Tool[];
  /**
   * A person as they are now; `undefined` if they have left the guild.
   *
   * @throws {unknown} If Discord does not answer, as a rejection.
   */
  readonly senderNow: (userId: UserId, message: InboundMessage) => Promise<Sender | undefined>;
  /** Milliseconds until an offer closes: `tools.offerExpiresMin`. */
  readonly expiresMs: () => number;
  readonly cleanSecrets: (text: string) => string;
  /** Text of the button that closes an offer. */
  readonly dismissText: () => string;
  /** Composes the message that tells an outcome, for the place of the turn. */
  readonly compose: (
    outcome: Pick<ActionRun, "label" | "state" | "byUser"> & { readonly text: string },
    message: InboundMessage,
    callKey: string,
  ) => readonly Frozen[];
}

/** Maximum characters of an outcome that are kept. */
const MAX_OUTCOME = 4_000;

/** Creates the port of an agent. The function is longer than most: its inner functions are one run. */
export function createOffersPort(
  { accountId, store: { actions }, events, now }:
    & Pick<
      Account<unknown, unknown, { readonly actions: ActionRuns }>,
      "accountId" | "store" | "now"
    >
    & Emits<"decided" | "outbox">,
  { agentId, tools, toolsFor, senderNow, expiresMs, cleanSecrets, dismissText, compose }:
    OfferParts,
): OffersPort {
  /** The tool of a call, with its checked input. */
  function read(call: OfferedCall, available: readonly Tool[]) {
    const tool = available.find(({ name }) => name === call.tool);
    const input = tool?.input.safeParse(JSON.parse(call.arguments));
    return { tool, input };
  }

  /** The exact call for the card, and the things that it names. */
  async function shownOf(call: OfferedCall, context: ToolContext) {
    const { tool, input } = read(call, tools());
    const what = `"${call.label}"`;
    if (!tool?.offered) {
      const names = tools().filter(({ offered }) => offered).map(({ name }) => name).join(", ");
      throw badArguments(`${what}: ${call.tool} cannot be offered; there are: ${names || "none"}`);
    }
    if (!input?.success) {
      const why = input?.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
      throw badArguments(`${what}: the arguments do not fit ${call.tool}: ${why?.join("; ")}`);
    }
    const exact = await tool.offered(input.data, context).catch((error: unknown) => {
      if (error instanceof RefusedCall) {
        throw new RefusedCall(error.reason, `${what} cannot be offered: ${error.message}`);
      }
      throw error;
    });
    if (cleanSecrets(exact) !== exact) {
      throw new RefusedCall("secret", `${what} has a secret of the config in it`);
    }
    return { exact, named: tool.named?.(input.data, context.message) ?? [] };
  }

  /** Runs the chosen call as the person who pressed. */
  async function runAs(
    call: OfferedCall,
    by: UserId,
    context: ToolContext,
  ): Promise<string> {
    const sender = await senderNow(by, context.message);
    if (!sender) throw new RefusedCall("permission", "the person who pressed has left the server");
    // The tools of a hook's turn are those of the hook; a person who presses has their own.
    const asked = isAtDiscord(context.message) ? undefined : true;
    const message = { ...context.message, sender, asked, hooked: undefined } as const;
    const { tool, input } = read(call, toolsFor(message, agentId));
    if (!tool || !input?.success) {
      throw new RefusedCall("closed_tool", `the person who pressed may not use ${call.tool} here`);
    }
    const decision: Decision = {
      kind: "answered",
      answer: { choice: ALLOW_ONCE },
      about: "offer",
      by,
    };
    const asThem: ToolContext = {
      ports: context.ports,
      message,
      sessionKey: context.sessionKey,
      callKey: `${context.callKey}:action`,
      isKnownLink: context.isKnownLink,
      mayUse: (name) => toolsFor(message, agentId).some((one) => one.name === name),
      decision,
      signal: context.signal,
    };
    return await Promise.race([
      tool.run(input.data, asThem),
      whenAborted(context.signal).then(() => {
        throw new UnknownOutcomeError("the turn ended while it ran");
      }),
    ]);
  }

  async function carryOut(call: OfferedCall, by: UserId, context: ToolContext): Promise<string> {
    const { message, callKey } = context;
    const label = cleanSecrets(call.label);
    const begun = { accountId, messageId: message.id, callKey, label, byUser: by };
    if (!await actions.begin(begun, now())) return await endOf(context);
    const ended = await runAs(call, by, context).then(
      (text) => ({ state: stateBy(call, text), text }),
      (error: unknown) => ({
        state: error instanceof UnknownOutcomeError || context.signal.aborted
          ? "unknown" as const
          : "failed" as const,
        text: error instanceof Error ? error.message : String(error),
      }),
    );
    await endRun(ended, begun, context);
    return resultText(label, by, ended);
  }

  async function endRun(
    { state, text }: { readonly state: ActionEnd; readonly text: string },
    { label, byUser }: Pick<ActionRun, "label" | "byUser">,
    { message, callKey }: ToolContext,
  ): Promise<void> {
    const outcome = clip(cleanSecrets(text), MAX_OUTCOME);
    const told = compose({ label, state, byUser, text: outcome }, message, callKey);
    await actions.end(callKey, { state, outcome }, told, now());
    events.emit.outbox([message.channelId]);
    events.emit.decided(); // its card shows the outcome
  }

  /** The end of a run that has begun before. One without an end is uncertain from now on. */
  async function endOf(context: ToolContext): Promise<string> {
    const run = await actions.runOf(context.callKey);
    if (!run) {
      throw new Error("its record is gone: find out whether it ran, before you offer it again");
    }
    const { label, byUser, state, outcome: text = "" } = run;
    if (state !== "running") return resultText(label, byUser, { state, text });
    const cut = { state: "unknown" as const, text: "the process ended while it ran" };
    await endRun(cut, run, context);
    return resultText(label, byUser, cut);
  }

  return {
    async question({ text, calls, timeoutMs }: Offer, context) {
      const shown: Awaited<ReturnType<typeof shownOf>>[] = [];
      for (const call of calls) shown.push(await shownOf(call, context));
      return {
        kind: "offer",
        tool: "offer_actions",
        text,
        facts: namedFacts(shown.flatMap(({ named }) => named)),
        exact: shown.map(({ exact }, at) => `${at + 1}. ${exact}`).join("\n"),
        choices: [
          ...calls.map(({ label }, at) => ({
            key: `${at}`,
            label: `${at + 1}. ${label}`,
            style: "primary" as const,
          })),
          { key: DENY, label: dismissText(), style: "secondary" },
        ],
        asked: [],
        forHolders: true,
        where: "channel",
        offer: { agentId, calls },
        timeoutMs: timeoutMs ?? expiresMs(),
      };
    },
    async run({ calls }, context) {
      const { decision } = context;
      if (!decision) {
        for (const call of calls) await shownOf(call, context); // tells why it cannot be offered
        throw new Error("no person could be asked");
      }
      if (decision.kind === "expired") return `No one has pressed in time: nothing ran. ${NO_MORE}`;
      if (decision.kind === "withdrawn") {
        throw new Error("the card could not be shown: nothing ran");
      }
      const { answer: { choice }, by } = decision;
      const call = choice === DENY ? undefined : calls[Number(choice)];
      if (!call || by === undefined) return `A person has declined: nothing ran. ${NO_MORE}`;
      return await carryOut(call, by, context);
    },
  };
}

type ActionEnd = Exclude<ActionRun["state"], "running">;

/** A command that ends with another code has failed. */
function stateBy({ tool }: OfferedCall, text: string): ActionEnd {
  return tool === "exec" && !/^\[exit code 0\b/.test(text) ? "failed" : "done";
}

/** People see the card and the outcome already. */
const NO_MORE =
  "People see this on the card. Answer NO_REPLY, unless there is something to add that they need.";

function resultText(
  label: string,
  by: UserId | undefined,
  { state, text }: { readonly state: ActionEnd; readonly text: string },
): string {
  const who = by === undefined ? "A person" : `<@${by}>`;
  const how = state === "done"
    ? "it ran"
    : state === "failed"
    ? "it failed"
    : "it is uncertain whether it ran; do not repeat it";
  return `${who} chose "${label}": ${how}.\n${text}\n\n${NO_MORE}`;
}
