/**
 * Finds out whether a person may decide about a call that was refused for its asker's lack of a right:
 * people who could make the call themselves may (T11). The same holds for offered actions (T16).
 *
 * The call runs as a probe for the person who decides. So Discord tells their roles at that moment, and
 * the same checks hold for them as for any asker: permissions, role order, and the bot's own policy.
 */

import { ASKED_OTHERWISE, type InboundMessage } from "../../core/inbound/inbound.ts";
import type { ButtonPress } from "../../core/inbound/interactions.ts";
import { DENY, type StoredQuestion } from "../../core/people/question.ts";
import { describeMissing } from "../../core/rights/rights.ts";
import { LacksRight, ProbeEnded } from "../../core/turn/decided_action.ts";
import type { Tool, ToolPorts } from "../../core/turn/tool.ts";
import type { HolderCheck } from "../../interactions/base/context.ts";
import type { Account } from "../../core/account/account.ts";

/** Creates the check of one account. It rejects if Discord does not answer. */
export function createMayDecide(
  { now }: Pick<Account, "now">,
  { tools, toolsFor, portsFor, portsOf, isOwner, isOfDiscord }: {
    readonly tools: readonly Tool[];
    /** The tools of a sender in the place of a message (T2). */
    readonly toolsFor: (message: InboundMessage, agentId: string) => readonly Tool[];
    readonly portsOf: (agentId: string) => Promise<ToolPorts>;
    /** The tools' ports of the agent that answers where a button was pressed. */
    readonly portsFor: (press: ButtonPress) => Promise<ToolPorts>;
    readonly isOwner: (message: InboundMessage) => boolean;
    /** Whether Discord did not answer, or refused. */
    readonly isOfDiscord: (error: unknown) => boolean;
  },
): (
  question: StoredQuestion,
  press: ButtonPress,
  choice: string | undefined,
) => Promise<HolderCheck> {
  return async (stored, press, choice) => {
    const message = asAskedBy(press, stored, now());
    const { tool: name, exact = "", offer } = stored.question;
    if (offer) {
      // To close an offer, a person needs the right to one of its actions.
      const calls = choice === DENY ? offer.calls : offer.calls.slice(Number(choice)).slice(0, 1);
      let end: HolderCheck = { as: "none", why: "there is no such action" };
      for (const call of calls) {
        const tool = toolsFor(message, offer.agentId).find((one) => one.name === call.tool);
        end = tool === undefined
          ? { as: "none", why: `${call.tool} is not open to you here` }
          : isOwner(message)
          ? { as: "owner" }
          : tool.probe
          ? await probed(tool, call.arguments, message, press, await portsOf(offer.agentId))
          : { as: "holder" };
        if (end.as !== "none") return end;
      }
      return end;
    }
    if (isOwner(message)) return { as: "owner" };
    const tool = tools.find((one) => one.name === name);
    if (!tool?.probe) return { as: "none", why: `no one but an owner may allow ${name}` };
    return await probed(tool, exact, message, press, await portsFor(press));
  };

  /** Runs a call as a probe for the person who presses. */
  async function probed(
    tool: Tool,
    written: string,
    message: InboundMessage,
    press: ButtonPress,
    toolPorts: ToolPorts,
  ): Promise<HolderCheck> {
    const key = `press:${press.id}`; // not the turn's session, whose calls may take long
    try {
      await tool.probe?.(tool.input.parse(JSON.parse(written)), {
        ports: toolPorts,
        message,
        sessionKey: key,
        callKey: key,
        signal: new AbortController().signal,
      });
      return { as: "holder" }; // the call changes nothing, and each of its checks has passed
    } catch (error) {
      if (error instanceof ProbeEnded) return { as: "holder" };
      if (isOfDiscord(error)) throw error;
      if (error instanceof LacksRight) {
        return { as: "none", why: describeMissing(error.missing, "reader") };
      }
      return { as: "none", why: error instanceof Error ? error.message : String(error) };
    }
  }
}

/** The question of the turn, as if the person who decides had asked it. */
function asAskedBy(
  { sender, place }: ButtonPress,
  { accountId, messageId, channelId, guildId }: StoredQuestion,
  sentAt: number,
): InboundMessage {
  return {
    ...ASKED_OTHERWISE,
    accountId,
    id: messageId,
    channelId,
    guildId,
    place,
    sender,
    text: "",
    sentAt,
    asked: true,
  };
}
