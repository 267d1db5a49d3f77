/**
 * Commands for the conversation here: stop its turns (S5), begin a new one, fold it into a summary
 * (S4a), and take back changes that the tool `discord` has made for the asker (`/undo`, T3).
 */

import type { BotAccount } from "../../account/account.ts";
import { parseSnowflake } from "../../core/discord/ids.ts";
import type { ButtonPress, CommandCall } from "../../core/inbound/inbound.ts";
import { STOP_BUTTON, UNDO_BUTTON } from "../../core/outbound/outbound.ts";
import type { UndoOutcome } from "../../flows/interactions/undo.ts";
import { clip } from "../../lib/text/quoted.ts";
import { NOTHING_TO_STOP, STOPPED } from "../../render/sentences.ts";
import { type Command, type Component } from "../base/command.ts";
import { ASKED, askFor } from "./ask.ts";

/** Begins a new transcript. The store keeps the old one, and the model sees it no more. */
export const reset: Command = {
  name: "reset",
  description: "Begin a new conversation here; I forget the old one",
  takesWords: true,
  needs: "session",
  async run(call, account) {
    const { resetHere } = await import("../../flows/interactions/conversations.ts");
    const entries = await resetHere(account, call);
    account.log.info("A person began a new conversation", {
      interactionId: call.id,
      channelId: call.channelId,
      by: call.sender.id,
      entries,
    });
    return entries > 0
      ? "A new conversation begins here. I no longer see the old one."
      : "This conversation is new already.";
  },
};

/** The same; with words, the new conversation begins with them. */
export const fresh: Command = {
  ...reset,
  name: "new",
  description: "Begin a new conversation here, perhaps with a question",
  options: [{
    name: "message",
    description: "Your first message of the new conversation",
    type: "text",
  }],
  async run(call, account) {
    const { message } = call.options;
    const isQuestion = typeof message === "string" && message.trim() !== "";
    if (isQuestion && call.cannotAnswer) return ASKED.nowhere;
    const text = await reset.run(call, account);
    if (!isQuestion) return text;
    return await askFor(account, call, { text: message });
  },
};

/** Folds everything so far, which makes room in the window and costs one request to the model. */
export const compact: Command = {
  name: "compact",
  description: "Fold this conversation into a summary",
  takesWords: true,
  needs: "session",
  async run(call, account) {
    const { compactHere } = await import("../../flows/interactions/conversations.ts");
    return COMPACTED[await compactHere(account, call)];
  },
};

const COMPACTED = {
  folded: "I have folded this conversation into a summary.",
  nothing: "There is nothing to fold here yet.",
  failed: "My model gave no summary, so nothing has changed. Try again later.",
};

/** Stops the asker's turns in the channel; in a direct message, or with the right to, all. */
const stop: Command = {
  name: "stop",
  description: "Stop my current work here",
  needs: "everyone",
  run: stopHere,
};

/** The button below a progress line. It does the same, so it needs no state of its own. */
export const stopButton: Component = {
  kind: "button",
  name: STOP_BUTTON,
  needs: "everyone",
  run: async (press, account) => ({ how: "reply", text: await stopHere(press, account) }),
};

async function stopHere(call: CommandCall | ButtonPress, account: BotAccount): Promise<string> {
  const { mayUse } = await import("../../flows/interactions/may_use.ts");
  const { stopTurns } = await import("../../flows/inbound/stored.ts");
  const { accountId, channelId, place, sender } = call;
  // A user install is no direct message, though its rules are: others may be in the channel.
  const isDirect = place.kind === "dm" && !call.isElsewhere;
  const isAll = isDirect || (!call.isElsewhere && await mayUse(account, call, "session"));
  const scope = { accountId, channelId, userId: !isAll ? sender.id : undefined };
  const count = await stopTurns(account, scope);
  account.log.info("A person stopped turns", {
    interactionId: call.id,
    channelId,
    stoppedBy: sender.id,
    isAll,
    count,
  });
  return count > 0 ? STOPPED : NOTHING_TO_STOP;
}

/** These commands, in the order of `/help`. */
export const CONVERSATION: readonly Command[] = [stop, fresh, reset, compact];

/** Takes back the newest change of the last ten minutes, or one by its number. */
export const undo: Command = {
  name: "undo",
  description: "Take back my last change for you here",
  options: [{
    name: "id",
    description: "Number of the change (default: the newest)",
    type: "whole",
  }],
  needs: "everyone", // it takes back the asker's own changes, or as an owner all
  async run(call, account) {
    const { undoChange } = await import("../../flows/interactions/undo.ts");
    const { id } = call.options;
    const outcome = await undoChange(account, call, typeof id === "number" ? id : undefined);
    if (outcome.kind === "undone") {
      account.log.info("A person has undone a change", {
        interactionId: call.id,
        change: outcome.id,
      });
    }
    return wordsOf(outcome);
  },
};

/** The button below an answer that has changed something; the store decides what it takes back. */
export const undoButton: Component = {
  kind: "button",
  name: UNDO_BUTTON,
  needs: "everyone", // as the command
  run(press, account) {
    const turnId = parseSnowflake<"message">(press.customId.slice(UNDO_BUTTON.length + 1));
    if (!turnId) return Promise.resolve(undefined);
    return Promise.resolve({
      how: "reply",
      text: "Taking that back …",
      async later() {
        const { undoTurn } = await import("../../flows/interactions/undo.ts");
        const outcomes = await undoTurn(account, press, turnId);
        account.log.info("A person has pressed Undo", {
          interactionId: press.id,
          turnId,
          undone: outcomes.filter(({ kind }) => kind === "undone").length,
        });
        const none: UndoOutcome = {
          kind: "refused",
          why: "nothing of that answer can be taken back any more",
        };
        const told = outcomes.length > 0 ? outcomes : [none];
        return clip(told.map((outcome) => wordsOf(outcome)).join("\n"), MAX_ANSWER);
      },
    });
  },
};

/** Characters of an answer; a clipped one has a note besides. */
const MAX_ANSWER = 1_900;

function wordsOf(outcome: UndoOutcome): string {
  return outcome.kind === "refused"
    ? `I could not undo that: ${outcome.why}.`
    : `Undone: ${outcome.what}. This ${outcome.does}.`;
}
