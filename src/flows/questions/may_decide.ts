/**
 * Finds out whether a person may decide about a call that was refused for its asker's lack of a right:
 * people who could make the call themselves may (T11).
 *
 * The call runs as a probe for the person who decides. So Discord tells their roles at that moment, and
 * the same checks hold for them as for any asker: permissions, role order, and the bot's own policy.
 */

import { ASKED_OTHERWISE, type InboundMessage } from "../../core/inbound/inbound.ts";
import type { ButtonPress } from "../../core/inbound/interactions.ts";
import type { StoredQuestion } from "../../core/people/question.ts";
import { describeMissing } from "../../core/rights/rights.ts";
import { LacksRight, ProbeEnded } from "../../core/turn/decided_action.ts";
import type { Tool, ToolPorts } from "../../core/turn/tool.ts";
import type { HolderCheck } from "../../interactions/base/context.ts";
import type { Account } from "../../core/account/account.ts";

/** Creates the check of one account. It rejects if Discord does not answer. */
export function createMayDecide(
  { now }: Pick<Account, "now">,
  { tools, portsFor, isOwner, isOfDiscord }: {
    readonly tools: readonly Tool[];
    /** The tools' ports of the agent that answers where a button was pressed. */
    readonly portsFor: (press: ButtonPress) => ToolPorts;
    readonly isOwner: (message: InboundMessage) => boolean;
    /** Whether Discord did not answer, or refused. */
    readonly isOfDiscord: (error: unknown) => boolean;
  },
): (question: StoredQuestion, press: ButtonPress) => Promise<HolderCheck> {
  return async (stored, press) => {
    const message = asAskedBy(press, stored, now());
    if (isOwner(message)) return { as: "owner" };
    const { tool: name, exact = "" } = stored.question;
    const tool = tools.find((one) => one.name === name);
    if (!tool?.probe) return { as: "none", why: `no one but an owner may allow ${name}` };
    const key = `press:${press.id}`; // not the turn's session, whose calls may take long
    try {
      await tool.probe(tool.input.parse(JSON.parse(exact)), {
        ports: portsFor(press),
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
  };
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
