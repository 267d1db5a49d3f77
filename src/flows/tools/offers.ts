/**
 * Actions that a model offers and a person runs by a press (T16).
 *
 * The model decides nothing: the card shows the exact calls, and the press decides. The call then
 * runs as if the person who pressed had asked for it: with their tools, and their rights on Discord.
 *
 * An event of a hook has no person. An action that the hook's config names runs without a press, if the
 * model offers exactly that call, and nothing else.
 */

import { isDeepStrictEqual } from "node:util";
import type { UnattendedRule } from "../../core/hooks/unattended.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { DENY, type OfferedCall, type Question } from "../../core/people/question.ts";
import { badArguments, RefusedCall } from "../../core/refused_call.ts";
import { namedFacts } from "../../core/turn/decided_action.ts";
import {
  type Offer,
  type OffersPort,
  type Tool,
  type ToolContext,
  WaitsForPerson,
} from "../../core/turn/tool.ts";
import {
  type ActionAccount,
  type ActionRunParts,
  createActionRuns,
  NO_MORE,
} from "./action_runs.ts";

/** Creates the port of an agent. The function is longer than most: its inner functions are one offer. */
export function createOffersPort(
  account: ActionAccount,
  parts: ActionRunParts & {
    readonly tools: () => readonly Tool[];
    /**
     * A tool with the parts whose gates are open, or the config path that closes it to all people in the
     * place of a message.
     */
    readonly openTool: (
      tool: Tool,
      message: InboundMessage,
      agentId: string,
    ) => { readonly tool: Tool } | { readonly closedBy: string };
    /** The actions that the config permits for a hook's event without a person, as it is now. */
    readonly unattendedRules: (message: InboundMessage) => readonly UnattendedRule[];
    /** Milliseconds until an offer closes: `tools.offerExpiresMin`. */
    readonly expiresMs: () => number;
    readonly dismissText: () => string;
  },
): OffersPort {
  const { agentId, tools, openTool, unattendedRules, expiresMs } = parts;
  const { cleanSecrets, dismissText } = parts;
  const runs = createActionRuns(account, parts);

  function read(call: Pick<OfferedCall, "tool" | "arguments">) {
    const tool = tools().find(({ name }) => name === call.tool);
    const input = tool?.input.safeParse(JSON.parse(call.arguments));
    return { tool, input };
  }

  /**
   * The exact call for the card, and the things that it names.
   *
   * @param isForPeople Whether a person presses: some person must be able to use the tool there.
   */
  async function shownOf(call: OfferedCall, context: ToolContext, isForPeople: boolean) {
    const { tool: found, input } = read(call);
    const what = `"${call.label}"`;
    const open = found && isForPeople ? openTool(found, context.message, agentId) : { tool: found };
    if ("closedBy" in open) {
      const why = `no one may use ${call.tool} here, by ${open.closedBy}`;
      throw new RefusedCall("closed_tool", `${what} cannot be offered: ${why}`);
    }
    const { tool } = open;
    if (!tool?.offered) {
      const names = tools().filter(({ offered }) => offered).map(({ name }) => name).join(", ");
      throw badArguments(`${what}: ${call.tool} cannot be offered; there are: ${names || "none"}`);
    }
    if (!input?.success) {
      const why = input?.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
      throw badArguments(`${what}: the arguments do not fit ${call.tool}: ${why?.join("; ")}`);
    }
    const { data } = input;
    const exact = await Promise.try(() => tool.offered?.(data, context) ?? "").catch((error) => {
      if (error instanceof RefusedCall) {
        throw new RefusedCall(error.reason, `${what} cannot be offered: ${error.message}`);
      }
      throw error;
    });
    if (cleanSecrets(exact) !== exact) {
      throw new RefusedCall("secret", `${what} has a secret of the config in it`);
    }
    return { exact, named: tool.named?.(data, context.message) ?? [] };
  }

  /** The rule that permits an offer without a person: it must be of that call alone. */
  function ruleOf({ calls: [call, ...more] }: Offer, { message }: ToolContext) {
    if (!message.hooked || !call || more.length > 0) return undefined;
    const { tool, input } = read(call);
    if (!tool || !input?.success) return undefined;
    return unattendedRules(message).find((rule) => {
      const named = rule.tool === call.tool ? tool.input.safeParse(rule.arguments) : undefined;
      return named?.success === true && isDeepStrictEqual(named.data, input.data);
    });
  }

  async function cardOf(
    { text, calls, timeoutMs }: Offer,
    context: ToolContext,
    spent?: UnattendedRule,
  ): Promise<Question> {
    const shown: Awaited<ReturnType<typeof shownOf>>[] = [];
    for (const call of calls) shown.push(await shownOf(call, context, true));
    return {
      kind: "offer",
      tool: "offer_actions",
      text,
      facts: [
        ...spent ? [{ name: "A person decides", value: spentText(spent) }] : [],
        ...namedFacts(shown.flatMap(({ named }) => named)),
      ],
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
  }

  /** Runs an offer without a person, or asks for one. */
  async function runOrAsk(offer: Offer, context: ToolContext): Promise<string> {
    const [call] = offer.calls;
    const begun = call && context.message.hooked && await runs.begunBy(context);
    if (begun) {
      // The config may permit the call no more.
      const { exact } = await shownOf(call, context, false).catch(() => ({
        exact: call.arguments,
      }));
      return await runs.endOf(begun, context, { text: offer.text, exact });
    }
    const rule = ruleOf(offer, context);
    if (call && rule) {
      const { exact } = await shownOf(call, context, false);
      const end = await runs.unattended(call, rule, { text: offer.text, exact }, context);
      if (end !== undefined) return end;
    }
    const card = await cardOf(offer, context, rule); // tells why one cannot be offered
    if (context.mayWait) throw new WaitsForPerson(card);
    throw new Error("this turn cannot show a card to people: nothing ran");
  }

  return {
    async question(offer, context) {
      // The call decides when it runs: the cap is counted then, and after a crash it must not ask.
      if (context.message.hooked && (ruleOf(offer, context) || await runs.begunBy(context))) {
        return undefined;
      }
      return await cardOf(offer, context);
    },
    async run(offer, context) {
      const { decision } = context;
      if (!decision) return await runOrAsk(offer, context);
      if (decision.kind === "expired") return `No one has pressed in time: nothing ran. ${NO_MORE}`;
      if (decision.kind === "withdrawn") {
        throw new Error("the card was deleted, or could not be shown: nothing ran");
      }
      const { answer: { choice }, by } = decision;
      const call = choice === DENY ? undefined : offer.calls[Number(choice)];
      if (!call || by === undefined) return `A person has declined: nothing ran. ${NO_MORE}`;
      return await runs.asPerson(call, by, context);
    },
  };
}

function spentText({ path, perDay }: UnattendedRule): string {
  const used = perDay === 1 ? "the only run" : `the ${perDay} runs`;
  return `${used} a day of \`${path}\` ${perDay === 1 ? "is" : "are"} used up`;
}
